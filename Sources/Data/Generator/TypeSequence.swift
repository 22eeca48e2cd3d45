/// The order in which the types of images take turns, the same over and over.
///
/// Within one period each type comes as often as its weight says, spread as evenly as possible: smooth weighted round
/// robin, which gives the type that is furthest behind its share the next turn, the first of equals. Equal weights give
/// the types' own order. Source: nginx, "Upstream: smooth weighted round-robin balancing" (2012).
struct TypeSequence: Sendable {
  /// The types of one period.
  let period: [CaptchaType]

  /// - Parameter weights: how often each of `types` comes, relative to the others; at least 1 each.
  init(_ types: [CaptchaType], weights: [Int]) {
    precondition(
      types.count == weights.count && !types.isEmpty && weights.allSatisfy { $0 >= 1 },
      "TypeSequence: \(types.count) types need as many positive weights, not \(weights)")
    let total = weights.reduce(0, +)
    let length = total / weights.reduce(0, Self.greatestCommonDivisor)
    var lead = [Int](repeating: 0, count: types.count)
    period = (0..<length).map { _ in
      var next = 0
      for index in types.indices {
        lead[index] += weights[index]
        if lead[index] > lead[next] { next = index }
      }
      lead[next] -= total
      return types[next]
    }
  }

  /// The type of image `index`.
  subscript(index: Int) -> CaptchaType { period[index % period.count] }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}
