import Foundation
import Testing

@testable import Tensor

@Suite struct AutogradTests {
  private let x = Parameter("x", value: Tensor([1, -2, 3] as [Float], shape: [3]))
  private let y = Parameter("y", value: Tensor([4, 5, -6] as [Float], shape: [3]))

  @Test func valueUsedTwice() {
    let a = x.tensor(tracking: true)
    // d/dx Σ (x·x + 3x) = 2x + 3
    expectClose((a * a + a * 3).sum().backward()[x], [5, -1, 9], shape: [3], tolerance: 0)
    let b = x.tensor(tracking: true)
    expectClose((b + b).sum().backward()[x], [2, 2, 2], tolerance: 0)
    let c = x.tensor(tracking: true)
    expectClose((c - c).sum().backward()[x], [0, 0, 0], tolerance: 0)
  }

  @Test func diamond() {
    // s = x·y; left = 2s, right = s·s: d/ds (2s + s²) = 2 + 2s
    let s = x.tensor(tracking: true) * y.tensor(tracking: true)
    let gradients = (s * 2 + s * s).sum().backward()
    let expected = [(1, 4), (-2, 5), (3, -6)].map { x, y in (2 + 2 * x * y) * y }
    expectClose(gradients[x], expected.map(Double.init), tolerance: 0)
    expectClose(gradients[y], [(2 + 2 * 4) * 1, (2 - 20) * -2, (2 - 36) * 3], tolerance: 0)
    #expect(gradients.count == 2)
  }

  /// A ladder of additions, each of the value before with itself: 2⁴⁰ paths, but 40 steps.
  @Test func manyPathsAreWalkedOnce() {
    var value = x.tensor(tracking: true)
    for _ in 0..<40 { value = value + value }
    expectClose(value.sum().backward()[x], [Double](repeating: 0x1p40, count: 3), tolerance: 0)
  }

  @Test func parameterUsedInTwoPlaces() {
    let first = x.tensor(tracking: true) * 3
    let second = x.tensor(tracking: true) * y.tensor(tracking: true)
    let gradients = (first + second).sum().backward()
    expectClose(gradients[x], [7, 8, -3], tolerance: 0)
  }

  @Test func untrackedAndFrozenParametersGetNoGradient() {
    let frozen = Parameter("frozen", value: Tensor(repeating: 2, shape: [3]), isTrainable: false)
    let gradients =
      (x.tensor(tracking: true) * frozen.tensor(tracking: true) * y.tensor(tracking: false)).sum().backward()
    #expect(gradients[frozen] == nil && gradients[y] == nil && gradients.count == 1)
    expectClose(gradients[x], [8, 10, -12], tolerance: 0)
    #expect(!(frozen.tensor(tracking: true) * y.tensor(tracking: false)).isTracked)
    frozen.isTrainable = true
    #expect(frozen.tensor(tracking: true).isTracked)
  }

  @Test func detachedValuesAreConstants() {
    let a = x.tensor(tracking: true)
    expectClose((a * (a * 2).detached).sum().backward()[x], [2, -4, 6], tolerance: 0)
  }

  @Test func parametersWithoutInfluenceGetNoGradient() {
    let unused = y.tensor(tracking: true) * 2
    let gradients = x.tensor(tracking: true).sum().backward()
    #expect(gradients[y] == nil && unused.isTracked)
  }

  @Test func gradientOfAScalarOfOneElementShapes() {
    let one = Parameter("one", value: Tensor(repeating: 3, shape: [1, 1]))
    let a = one.tensor(tracking: true)
    expectClose((a * a).backward()[one], [6], shape: [1, 1], tolerance: 0)
  }

  @Test func twoLossesOverSeparateGraphsOfOneParameter() {
    let first = (x.tensor(tracking: true) * 2).sum()
    let second = (x.tensor(tracking: true) * 5).sum()
    expectClose(second.backward()[x], [5, 5, 5], tolerance: 0)
    expectClose(first.backward()[x], [2, 2, 2], tolerance: 0)
  }

  @Test func gradientsOutliveTheirParameters() {
    var gradients = Gradients()
    for value in 0..<100 {
      let parameter = Parameter("short-lived", value: Tensor(Float(value)))
      #expect(gradients[parameter] == nil)
      gradients[parameter] = Tensor(Float(value))
    }
    #expect(gradients.count == 100)
  }

  @Test func secondCallStopsAndSaysWhy() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let parameter = Parameter("x", value: Tensor(2))
      let value = parameter.tensor(tracking: true)
      let loss = (value * value).sum()
      _ = loss.backward()
      _ = loss.backward()
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("the record of sum was used"))
  }

  @Test func secondCallThroughASharedPartStops() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let parameter = Parameter("x", value: Tensor(2))
      let shared = parameter.tensor(tracking: true).sigmoid()
      let (first, second) = ((shared * 2).sum(), (shared * 3).sum())
      _ = first.backward()
      _ = second.backward()
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("the record of sigmoid was used"))
  }

  @Test func untrackedLossStopsAndSaysWhy() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor(2).sum().backward()
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("not tracked"))
  }

  @Test func backwardOfManyElementsStops() async {
    await #expect(processExitsWith: .failure) {
      _ = Parameter("x", value: Tensor(zeros: [2])).tensor(tracking: true).backward()
    }
  }

  @Test func writingToATrackedTensorStops() async {
    await #expect(processExitsWith: .failure) {
      var value = Parameter("x", value: Tensor(zeros: [2])).tensor(tracking: true)
      value.withMutableElements(of: Float.self) { $0[0] = 1 }
    }
  }

  @Test func longChainsAreDroppedWithoutRecursion() {
    let links = 1_000_000
    let one = Tensor(1)
    var value = Parameter("x", value: one).tensor(tracking: true)
    for _ in 0..<links { value = value + one }
    #expect(value.scalar == Float(links + 1))
    value = one
  }

  @Test func longChainsAreWalkedWithoutRecursion() {
    let parameter = Parameter("x", value: Tensor(1))
    let one = Tensor(1)
    var value = parameter.tensor(tracking: true)
    for _ in 0..<200_000 { value = value + one }
    #expect(value.backward()[parameter]?.scalar == 1)
  }

  /// Chains that hang together crosswise, dropped from both ends.
  @Test func longLaddersAreDroppedWithoutRecursion() {
    let start = Parameter("x", value: Tensor(0)).tensor(tracking: true)
    var (left, right) = (start, start)
    for _ in 0..<100_000 { (left, right) = (left + right, right + left) }
    #expect(left.isTracked && right.isTracked)
    left = start
    right = start
  }

  @Test func threadsDifferentiateTheirOwnGraphs() async {
    let shared = Parameter("shared", value: Tensor(repeating: 0.5, shape: [8, 8]))
    let results = await withTaskGroup(of: [Float].self) { group in
      for index in 0..<8 {
        group.addTask {
          var last: [Float] = []
          for _ in 0..<50 {
            let x = Tensor(repeating: Float(index), shape: [4, 8])
            let y = x.matrixProduct(shared.tensor(tracking: true)).relu() * 2
            last = y.sum().backward()[shared]?.elements() ?? []
          }
          return last
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    // d/dw Σ 2·relu(x·w) = 2 · Σ rows x = 8 · index, and 0 where x is 0.
    let found = results.map { $0.first ?? -1 }.sorted()
    #expect(found == (0..<8).map { Float($0 * 8) })
    #expect(results.allSatisfy { values in values.count == 64 && values.allSatisfy { $0 == values[0] } })
  }

  @Test func threadsReadAFreshParameterOnce() async {
    for round in 0..<50 {
      let parameter = Parameter("fresh", shape: [64]) { shape, stream in
        Tensor((0..<shape.count).map { _ in stream.unitFloat() }, shape: shape)
      }
      let values = await withTaskGroup(of: [Float].self) { group in
        for _ in 0..<4 { group.addTask { parameter.tensor(tracking: true).elements() } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(values.allSatisfy { $0 == values[0] && $0.count == 64 }, "round \(round)")
    }
  }
}

@Suite struct ParameterTests {
  @Test func firstValueIsDrawnFromItsStream() {
    let draw: Parameter.InitialValue = { shape, stream in
      Tensor((0..<shape.count).map { _ in stream.unitFloat() }, shape: shape)
    }
    let (a, b) = (Parameter("a", shape: [5], initialValue: draw), Parameter("a", shape: [5], initialValue: draw))
    let stream = RandomStream(seed: 3).stream("kernel")
    a.initialize(from: stream)
    b.initialize(from: stream)
    #expect(a.value.elements() == b.value.elements())
    b.initialize(from: RandomStream(seed: 3).stream("other"))
    #expect(a.value.elements() != b.value.elements())
  }

  @Test func valuesLoseTheirHistory() {
    let a = Parameter("a", value: Tensor(2))
    let b = Parameter("b", value: a.tensor(tracking: true) * 3)
    #expect(!b.value.isTracked)
    b.value = a.tensor(tracking: true)
    #expect(!b.value.isTracked && b.value.scalar == 2)
  }

  @Test func writingInPlaceDoesNotCopy() {
    let parameter = Parameter("a", value: Tensor(zeros: [4]))
    parameter.value = Tensor(repeating: 1, shape: [4])
    let address = parameter.value.storage.bytes
    parameter.value.withMutableElements(of: Float.self) { $0[1] = 7 }
    #expect(parameter.value.storage.bytes == address)
    #expect(parameter.value.elements() == [1, 7, 1, 1])
  }

  @Test func earlierValuesStayAsTheyWere() {
    let parameter = Parameter("a", value: Tensor(zeros: [2]))
    let before = parameter.value
    parameter.value.withMutableElements(of: Float.self) { $0[0] = 5 }
    #expect(before.elements() == [0, 0] && parameter.value.elements() == [5, 0])
  }

  @Test func wrongValuesStop() async {
    await #expect(processExitsWith: .failure) {
      Parameter("a", value: Tensor(zeros: [2])).value = Tensor(zeros: [3])
    }
    await #expect(processExitsWith: .failure) {
      Parameter("a", value: Tensor(zeros: [2])).value = Tensor([UInt8(1), 2], shape: [2])
    }
    await #expect(processExitsWith: .failure) {
      _ = Parameter("a", shape: [2]) { _, _ in Tensor(zeros: [3]) }.value
    }
  }
}
