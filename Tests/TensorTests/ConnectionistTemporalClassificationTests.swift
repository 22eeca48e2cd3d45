import Foundation
import Testing

@testable import Tensor

@Suite struct ConnectionistTemporalClassificationTests {
  /// A case of PyTorch's; see `Fixtures/make_ctc_fixtures.py`.
  struct Golden: Decodable {
    let columns, classes, blank: Int
    let labels: [[Int32]]
    let logits, losses, gradient: [Double]

    var shape: Shape { [labels.count, columns, classes] }
    var labelTensor: Tensor { Tensor(labels.flatMap { $0 }, shape: [labels.count, labels[0].count]) }
    var logitTensor: Tensor { Tensor(logits.map { Float($0) }, shape: shape) }
  }

  private static func goldens() throws -> [Golden] {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/ctc.json")
    return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: url))
  }

  @Test func lossAndGradientArePyTorchs() throws {
    let goldens = try Self.goldens()
    #expect(goldens.count == 6)
    for (index, golden) in goldens.enumerated() {
      let logits = Parameter("logits", value: golden.logitTensor)
      let loss = logits.tensor(tracking: true).ctcLoss(labels: golden.labelTensor, blank: golden.blank)
      #expect(loss.shape == [])
      let mean = golden.losses.reduce(0, +) / Double(golden.losses.count)
      #expect(Double(loss.scalar).isApproximately(mean, tolerance: 1e-7), "case \(index)")
      #expect(golden.logitTensor.ctcLoss(labels: golden.labelTensor, blank: golden.blank).scalar == loss.scalar)
      expectClose(
        loss.backward()[logits], golden.gradient, shape: golden.shape, tolerance: 5e-7, "gradient of case \(index)")
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func everyLevelIsPyTorchs(level: SIMDLevel) throws {
    for (index, golden) in try Self.goldens().enumerated() {
      let (losses, slopes) = CPUBackend(level: level).ctc(
        golden.logitTensor, labels: golden.labelTensor, blank: golden.blank)
      for (image, (actual, expected)) in zip(losses, golden.losses).enumerated() {
        #expect(abs(actual - expected) <= 1e-6 + 1e-8 * expected, "case \(index), image \(image)")
      }
      let count = Double(golden.labels.count)
      expectClose(slopes, golden.gradient.map { $0 * count }, tolerance: 5e-7, "\(level), case \(index)")
    }
  }

  /// All labels of a small alphabet, those that do not fit among them.
  @Test(arguments: SIMDLevel.supported)
  func everyLabelIsTheSumOfItsAlignments(level: SIMDLevel) {
    for (columns, classes, blank) in [(5, 3, 2), (4, 4, 3), (4, 3, 0), (1, 3, 2), (2, 2, 1), (6, 2, 1), (3, 1, 0)] {
      let characters = (0..<classes).filter { $0 != blank }
      for (draw, spread) in ([1, 5, 1000] as [Float]).enumerated() {
        var numbers = Numbers("alignments \(columns) \(classes)", draw)
        let z = numbers.normal([1, columns, classes]) * spread
        let alignments = Alignments(logits: z.doubles, columns: columns, classes: classes, blank: blank)
        var labels: [[Int]] = [[]]
        var total = 0.0
        while let label = labels.popLast() {
          if label.count <= columns { labels += characters.map { label + [$0] } }
          let padded = label + [Int](repeating: blank, count: columns + 2 - label.count)
          let (losses, slopes) = CPUBackend(level: level).ctc(
            z, labels: Tensor(padded.map(Int32.init), shape: [1, columns + 2]), blank: blank)
          let expected = alignments.loss(of: label)
          #expect(
            abs(losses[0] - (expected ?? 0)) <= 1e-6 + 1e-7 * (expected ?? 0),
            "\(label): \(losses[0]), expected \(expected ?? 0)")
          expectClose(slopes, alignments.slopes(of: label), tolerance: 0, absolute: 1e-6, "\(label)")
          if expected != nil { total += exp(-losses[0]) }
        }
        // Every alignment reads as one of them.
        #expect(total.isApproximately(1, tolerance: 1e-6))
      }
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of temporal classification")
    let labels: [[Int32]] = [[0, 0], [1, 2], [1, 2], [2, 2]]
    gradientCheck(
      [numbers.normal([4, 4, 3]) * 2],
      reference: { inputs in
        let losses = labels.enumerated().map { image, label in
          let logits = Array(inputs[0][image * 12..<(image + 1) * 12])
          return Alignments(logits: logits, columns: 4, classes: 3, blank: 2)
            .loss(of: label.prefix { $0 != 2 }.map(Int.init)) ?? 0
        }
        return [losses.reduce(0, +) / 4]
      },
      { $0[0].ctcLoss(labels: Tensor(labels.flatMap { $0 }, shape: [4, 2]), blank: 2) })
  }

  /// With equal logits every alignment is as likely, and there are (T + n − r choose 2n) of them for a label of n
  /// characters of which r are repeated.
  @Test(arguments: SIMDLevel.supported)
  func alignmentsAreCounted(level: SIMDLevel) {
    func logFactorial(_ n: Int) -> Double { lgamma(Double(n) + 1) }
    for (columns, label, repeats) in [
      (1000, [0, 1, 2, 3, 4, 5, 6, 7], 0), (1000, [3, 3, 3, 5, 5, 1], 3), (700, [], 0), (3, [1, 2, 1], 0),
      (5, [1, 1, 1], 2),
      (300, (0..<100).map { $0 % 9 }, 0), (400, [Int](repeating: 4, count: 200), 199),
    ] as [(Int, [Int], Int)] {
      for classes in [10, 40] {
        let padded = (label + [classes - 1]).map(Int32.init)
        let (losses, slopes) = CPUBackend(level: level).ctc(
          Tensor(repeating: -7.25, shape: [1, columns, classes]), labels: Tensor(padded, shape: [1, padded.count]),
          blank: classes - 1)
        let (all, chosen) = (columns + label.count - repeats, 2 * label.count)
        let count = logFactorial(all) - logFactorial(chosen) - logFactorial(all - chosen)
        let expected = Double(columns) * log(Double(classes)) - count
        #expect(losses[0].isApproximately(expected, tolerance: 1e-10), "\(columns) columns, \(label.count) characters")
        // At each column the shares of all classes are 1 in both distributions.
        let sums = (0..<columns).map { t in slopes.doubles[t * classes..<(t + 1) * classes].reduce(0, +) }
        #expect(sums.allSatisfy { abs($0) < 1e-6 })
      }
    }
  }

  @Test func labelsThatDoNotFitCostNothingButCount() {
    var numbers = Numbers("labels that do not fit")
    let z = numbers.normal([2, 3, 4])
    func loss(_ labels: [Int32], _ logits: Tensor = z) -> (value: Float, gradient: [Float]) {
      let logits = Parameter("logits", value: logits)
      let loss = logits.tensor(tracking: true).ctcLoss(
        labels: Tensor(labels, shape: [2, labels.count / 2]), blank: 3)
      return (loss.scalar, loss.backward()[logits]?.elements() ?? [])
    }
    let fitting = loss([0, 1, 2, 3, 0, 0, 3, 3])
    #expect(fitting.value > 0 && fitting.gradient.suffix(12).contains { $0 != 0 })
    for tooLong in [[0, 0, 0, 3], [0, 1, 1, 3], [0, 1, 2, 0]] as [[Int32]] {
      let mixed = loss([0, 1, 2, 3] + tooLong)
      let alone = loss(tooLong + tooLong)
      #expect(alone.value == 0 && alone.gradient == [Float](repeating: 0, count: 24))
      #expect(mixed.gradient.prefix(12) == fitting.gradient.prefix(12))
      #expect(mixed.gradient.suffix(12).allSatisfy { $0 == 0 })
      #expect(0 < mixed.value && mixed.value < fitting.value)
    }
    let empty = Tensor(zeros: [2, 0, 4])
    #expect(loss([0, 1, 3, 3], empty).value == 0)
  }

  /// Nothing is clipped: what a label costs is as large as its logits are wrong.
  @Test(arguments: SIMDLevel.supported)
  func largeLogitsAreExact(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    for size in [50, 1000, 1e4, 1e30, 1e38] as [Float] {
      // The columns are sure of 0, then of the blank, and the label is 1.
      let z = Tensor([size, -size, 0, 0, -size, size] as [Float], shape: [1, 2, 3])
      let (losses, slopes) = backend.ctc(z, labels: Tensor([Int32(1)], shape: [1, 1]), blank: 2)
      // 1 and blank: 2 · size; blank and 1: 3 · size; 1 twice: 4 · size.
      #expect(losses[0].isApproximately(2 * Double(size), tolerance: 1e-12), "\(size): \(losses[0])")
      expectClose(slopes, [1, -1, 0, 0, 0, 0], tolerance: 0, absolute: 1e-6, "\(size)")
      let (right, none) = backend.ctc(z, labels: Tensor([Int32(0)], shape: [1, 1]), blank: 2)
      #expect(right[0] >= 0 && right[0] < 1e-20, "\(size): \(right[0])")
      expectClose(none, [0, 0, 0, 0, 0, 0], tolerance: 0, absolute: 1e-6, "\(size)")
    }
    // Only one alignment is there, through the least likely class of every column.
    let columns = 64
    let z = Tensor((0..<columns * 3).map { $0 % 3 == ($0 / 3) % 2 ? -1000 : 1000 } as [Float], shape: [1, columns, 3])
    let label = (0..<columns).map { Int32($0 % 2) }
    let (losses, slopes) = backend.ctc(z, labels: Tensor(label, shape: [1, columns]), blank: 2)
    #expect(losses[0].isApproximately(Double(columns) * (2000 + log(2)), tolerance: 1e-9))
    expectClose(
      slopes, (0..<columns * 3).map { $0 % 3 == ($0 / 3) % 2 ? -1 : 0.5 }, tolerance: 0, absolute: 1e-6)
  }

  @Test(arguments: SIMDLevel.supported)
  func notANumberReachesTheLoss(level: SIMDLevel) {
    var numbers = Numbers("not a number")
    let backend = CPUBackend(level: level)
    for classes in [3, 5, 8, 21, 40] {
      let z = numbers.normal([3, 4, classes])
      for (wrong, place) in [
        (Float.nan, 0), (.infinity, 1), (-.infinity, 2), (.nan, classes - 1), (.infinity, 4 * classes - 1),
      ] {
        var damaged = z
        damaged.withMutableElements(of: Float.self) { $0[4 * classes + place] = wrong }
        // The second label does not fit, and is seen nevertheless.
        for label in [0, 1] as [Int32] {
          let last = Int32(classes - 1)
          let labels = Tensor([0, 1, last, last, last, 0, 0, 0, 0, 0, 0, last, last, last, last], shape: [3, 5])
          let fitting = Tensor(
            [0, 1, last, last, last, label, last, last, last, last, 0, last, last, last, last], shape: [3, 5])
          for labels in [labels, fitting] {
            let (losses, slopes) = backend.ctc(damaged, labels: labels, blank: classes - 1)
            #expect(losses.map(\.isNaN) == [false, true, false], "\(wrong) at \(place) of \(classes) classes")
            let isNaN = slopes.elements().map(\.isNaN)
            #expect(isNaN == (0..<12 * classes).map { (4 * classes..<8 * classes).contains($0) })
            #expect(damaged.ctcLoss(labels: labels, blank: classes - 1).scalar.isNaN)
          }
        }
      }
    }
  }

  @Test func emptyBatchCostsNothing() {
    let logits = Parameter("logits", value: Tensor(zeros: [0, 5, 4]))
    let loss = logits.tensor(tracking: true).ctcLoss(labels: Tensor([Int32](), shape: [0, 3]), blank: 3)
    #expect(loss.scalar == 0)
    #expect(loss.backward()[logits]?.shape == [0, 5, 4])
    // Labels without positions are empty.
    let z = Tensor([1, 2, 1, 2] as [Float], shape: [1, 2, 2])
    let expected = 2 * log1p(exp(-1.0))
    #expect(Double(z.ctcLoss(labels: Tensor([Int32](), shape: [1, 0]), blank: 1).scalar).isApproximately(expected))
  }

  @Test func threadsDoNotChangeABit() async {
    await #expect(processExitsWith: .success) {
      var numbers = Numbers("threads of temporal classification")
      let z = numbers.normal([61, 50, 68]) * 3
      let labels = numbers.classes(61 * 8, of: 67).reshaped(to: [61, 8])
      var results: [[Float]] = []
      for threads in [1, 2, 3, 5] {
        Threads.count = threads
        let logits = Parameter("logits", value: z)
        let loss = logits.tensor(tracking: true).ctcLoss(labels: labels, blank: 67)
        results.append([loss.scalar] + (loss.backward()[logits]?.elements() ?? []))
      }
      #expect(results[0].count == 1 + z.shape.count)
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }
}

/// Every alignment of one image by itself, in double, with its logarithmic probability.
private struct Alignments {
  private let columns, classes: Int
  private let softmax: [Double]
  private var byLabel: [[Int]: [(path: [Int], logProbability: Double)]] = [:]

  init(logits: [Double], columns: Int, classes: Int, blank: Int) {
    (self.columns, self.classes) = (columns, classes)
    let logProbabilities = (0..<columns).flatMap { t in
      let z = logits[t * classes..<(t + 1) * classes]
      let logSum = Self.logSum(Array(z))
      return z.map { $0 - logSum }
    }
    softmax = logProbabilities.map { exp($0) }
    var paths: [[Int]] = [[]]
    for _ in 0..<columns { paths = paths.flatMap { path in (0..<classes).map { path + [$0] } } }
    for path in paths {
      let label = path.indices.filter { path[$0] != blank && ($0 == 0 || path[$0] != path[$0 - 1]) }.map { path[$0] }
      let logProbability = path.indices.reduce(0) { $0 + logProbabilities[$1 * classes + path[$1]] }
      byLabel[label, default: []].append((path, logProbability))
    }
  }

  private static func logSum(_ x: [Double]) -> Double {
    let largest = x.max() ?? 0
    return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
  }

  /// −log p(label); nil where no alignment reads so.
  func loss(of label: [Int]) -> Double? { byLabel[label].map { -Self.logSum($0.map(\.logProbability)) } }

  /// The loss's derivative by each logit.
  func slopes(of label: [Int]) -> [Double] {
    guard let alignments = byLabel[label], let loss = loss(of: label) else {
      return softmax.map { _ in 0 }
    }
    var slopes = softmax
    for (path, logProbability) in alignments {
      for (t, chosen) in path.enumerated() { slopes[t * classes + chosen] -= exp(logProbability + loss) }
    }
    return slopes
  }
}
