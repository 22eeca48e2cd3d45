import Foundation
import Testing

@testable import Tensor

@Suite struct RandomStreamTests {
  /// The known answers of Random123 1.14 (file kat_vectors, lines `philox4x32 10`).
  @Test func philoxKnownAnswers() {
    let zero = Philox.block(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
    #expect(zero == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    let ones = Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
    #expect(ones == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    let pi = Philox.block(
      counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: SIMD2(0xA409_3822, 0x299F_31D0))
    #expect(pi == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test func wordsAreTheBlocksInOrder() {
    var stream = RandomStream(seed: 5)
    let key = SIMD2(UInt32(truncatingIfNeeded: stream.key), UInt32(truncatingIfNeeded: stream.key >> 32))
    for index in 0..<10 as Range<UInt32> {
      let block = Philox.block(counter: SIMD4(index, 0, 0, 0), key: key)
      for lane in 0..<4 { #expect(stream.nextWord() == block[lane]) }
    }
    #expect(stream.position == 40)
    // 64 bits are two words, the lower one first.
    let start = RandomStream(seed: 5)
    var (words, numbers) = (start, start)
    let (low, high) = (UInt64(words.nextWord()), UInt64(words.nextWord()))
    #expect(numbers.next() == high << 32 | low)
  }

  @Test(arguments: SIMDLevel.supported)
  func dropoutUsesTheStreamsWords(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    for (count, drawn) in [(1, 0), (5, 0), (257, 3), (1000, 4), (40_003, 9)] {
      for rate in [0.2, 0.5, 0.999] {
        var stream = RandomStream(seed: 8).stream("dropout")
        for _ in 0..<drawn { _ = stream.nextWord() }
        let x = Tensor((1...count).map(Float.init), shape: [count])
        let y = backend.dropout(x, rate: rate, stream: stream)
        // From the next whole block of four words on.
        while stream.position % 4 != 0 { _ = stream.nextWord() }
        let threshold = UInt32((1 - rate) * 0x1p32)
        let scale = Float(1 / (1 - rate))
        let expected = (0..<count).map { stream.nextWord() < threshold ? Float($0 + 1) * scale : 0 }
        #expect(y.elements() == expected, "\(count) elements, rate \(rate), \(drawn) drawn")
      }
    }
  }

  @Test func dropoutKeepsTheMeanAndMasksItsGradient() {
    let x = Parameter("x", value: Tensor(repeating: 1, shape: [100, 1000]))
    let stream = RandomStream(seed: 4).stream("mask")
    for rate in [0.1, 0.4, 0.9] {
      let y = x.tensor(tracking: true).droppedOut(rate: rate, stream: stream)
      let kept = y.elements().filter { $0 != 0 }
      #expect(abs(Double(kept.count) / 100_000 - (1 - rate)) < 0.006)
      #expect(kept.allSatisfy { $0 == Float(1 / (1 - rate)) })
      let mask = y.elements()
      #expect(y.sum().backward()[x]?.elements() == mask)
    }
    let same = x.tensor(tracking: true).droppedOut(rate: 0, stream: stream)
    #expect(same.elements() == x.value.elements())
    let (a, b) = (stream, RandomStream(seed: 4).stream("mask", 1))
    #expect(x.value.droppedOut(rate: 0.5, stream: a).elements() != x.value.droppedOut(rate: 0.5, stream: b).elements())
  }

  @Test func derivedStreamsAreTheirOwn() {
    let seed = RandomStream(seed: 42)
    var keys: Set<UInt64> = [seed.key]
    for name in ["order", "dropout", "split", "", "a", "b", "ab", "ba"] {
      for index in [0, 1, 2, -1, 1000, Int.max, Int.min] { keys.insert(seed.stream(name, index).key) }
    }
    for other in 0..<100 as Range<UInt64> where other != 42 {
      keys.insert(RandomStream(seed: other).stream("order").key)
    }
    #expect(keys.count == 1 + 8 * 7 + 99)
    // What the parent has drawn does not matter, nor do the parent's draws change.
    var drawn = seed
    let words = (0..<7).map { _ in drawn.nextWord() }
    #expect(drawn.stream("order", 3) == seed.stream("order", 3))
    var (child, sibling) = (seed.stream("order", 3), drawn.stream("order", 3))
    for _ in 0..<9 { #expect(child.nextWord() == sibling.nextWord()) }
    var again = seed
    #expect((0..<7).map { _ in again.nextWord() } == words)
    // Neighbouring streams agree in no word more than chance would have it.
    var (first, second) = (seed.stream("order", 0), seed.stream("order", 1))
    #expect((0..<1000).filter { _ in first.nextWord() == second.nextWord() }.isEmpty)
  }

  @Test(arguments: 0...9)
  func resumesAfterCoding(drawn: Int) throws {
    var stream = RandomStream(seed: 9).stream("resume")
    for _ in 0..<drawn { _ = stream.nextWord() }
    let coded = try JSONEncoder().encode(stream)
    var resumed = try JSONDecoder().decode(RandomStream.self, from: coded)
    #expect(resumed == stream && resumed.hashValue == stream.hashValue)
    for _ in 0..<11 { #expect(resumed.nextWord() == stream.nextWord()) }
    #expect(resumed == stream)
  }

  @Test func codingRefusesNonsense() {
    for text in ["{}", "{\"key\":1}", "{\"key\":-1,\"position\":0}", "[1,2]", "{\"key\":1,\"position\":\"3\"}"] {
      #expect(throws: (any Error).self) { try JSONDecoder().decode(RandomStream.self, from: Data(text.utf8)) }
    }
  }

  @Test func integersReachEveryRange() {
    var stream = RandomStream(seed: 1)
    for range in [Int.min..<Int.max, 0..<Int.max, Int.min..<0, Int.max - 1..<Int.max, -5..<(-4)] {
      for _ in 0..<100 { #expect(range.contains(stream.integer(in: range))) }
    }
    for range in [Int.min...Int.max, 0...Int.max, Int.min...0, Int.max...Int.max, Int.min...Int.min] {
      for _ in 0..<100 { #expect(range.contains(stream.integer(in: range))) }
    }
    // Both halves and all quarters of the full range are drawn.
    let quarters = Set((0..<200).map { _ in stream.integer(in: Int.min...Int.max) >> 62 })
    #expect(quarters == [-2, -1, 0, 1])
  }

  /// Lemire's method as published, with arithmetic of 128 bits; for a width of 3·2⁶² a biased generator that takes no
  /// second draw would draw a third of the numbers half as often again.
  @Test func integersAreUnbiased() {
    var stream = RandomStream(seed: 2)
    let width = 3 << 61
    var thirds = [0, 0, 0]
    for _ in 0..<30_000 { thirds[stream.integer(in: 0..<width) >> 61] += 1 }
    #expect(chiSquared(thirds) < 16.3)
    for sides in [2, 3, 6, 10, 62] {
      var counts = [Int](repeating: 0, count: sides)
      for _ in 0..<1000 * sides { counts[stream.integer(in: 0..<sides)] += 1 }
      // Mean + 4.5 deviations of the distribution.
      let freedom = Double(sides - 1)
      #expect(chiSquared(counts) < freedom + 4.5 * (2 * freedom).squareRoot() + 8, "\(sides) sides")
    }
    var ends = Set<Int>()
    for _ in 0..<100 { ends.insert(stream.integer(in: -1...1)) }
    #expect(ends == [-1, 0, 1])
  }

  /// Every width from 1 to 2⁶⁴ − 1 follows the published algorithm word for word.
  @Test func integersFollowLemire() {
    var numbers = RandomStream(seed: 3)
    for _ in 0..<2000 {
      let shift = numbers.integer(in: 0...62)
      let width = max(1, Int(numbers.next() >> 1) >> shift)
      let stream = numbers.stream("case")
      var (ours, theirs) = (stream, stream)
      let bound = UInt64(width)
      var product = UInt128(theirs.next()) * UInt128(bound)
      while UInt64(truncatingIfNeeded: product) < (UInt64.max - bound + 1) % bound {
        product = UInt128(theirs.next()) * UInt128(bound)
      }
      #expect(ours.integer(in: 0..<width) == Int(product >> 64), "width \(width)")
      #expect(ours.position == theirs.position)
    }
  }

  private func chiSquared(_ counts: [Int]) -> Double {
    let expected = Double(counts.reduce(0, +)) / Double(counts.count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }

  @Test func uniformNumbersFillTheirRange() {
    var stream = RandomStream(seed: 6)
    let count = 100_000
    let floats = (0..<count).map { _ in Double(stream.unitFloat()) }
    let doubles = (0..<count).map { _ in stream.unitDouble() }
    for values in [floats, doubles] {
      #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      #expect(abs(mean - 0.5) < 5 * (1 / 12.0 / Double(count)).squareRoot())
      #expect(abs(variance - 1 / 12.0) < 0.002)
      var bins = [Int](repeating: 0, count: 100)
      for value in values { bins[Int(value * 100)] += 1 }
      #expect(chiSquared(bins) < 99 + 4.5 * 14.1)
      let neighbours = zip(values, values.dropFirst()).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
      #expect(abs(neighbours / variance / Double(count)) < 0.016)
    }
  }

  /// The upper bound is not in the range, even where the sum rounds up to it.
  @Test func rangesExcludeTheirUpperBound() {
    var stream = RandomStream(seed: 7)
    let next = Float(1).nextUp
    for _ in 0..<100 {
      #expect(stream.float(in: 1..<next) == 1)
      #expect(stream.double(in: 1..<(1.0).nextUp) == 1)
    }
    for _ in 0..<1000 {
      #expect((-3..<7.5).contains(stream.double(in: -3..<7.5)))
      #expect((-1e-3..<1e30).contains(stream.float(in: -1e-3..<1e30)))
    }
    #expect(stream.float(in: 2..<2) == 2 && stream.double(in: -1..<(-1)) == -1)
  }

  @Test func normalNumbersHaveTheirMoments() {
    var stream = RandomStream(seed: 10)
    let count = 200_000
    let values = (0..<count).map { _ in stream.normal() }
    #expect(values.allSatisfy { $0.isFinite })
    func moment(_ power: Int) -> Double { values.reduce(0) { $0 + pow($1, Double(power)) } / Double(count) }
    #expect(abs(moment(1)) < 5 / Double(count).squareRoot())
    #expect(abs(moment(2) - 1) < 5 * (2 / Double(count)).squareRoot())
    #expect(abs(moment(3)) < 5 * (15 / Double(count)).squareRoot())
    #expect(abs(moment(4) - 3) < 5 * (96 / Double(count)).squareRoot())
    let inside = values.filter { abs($0) < 1 }.count
    #expect(abs(Double(inside) / Double(count) - 0.682689) < 0.006)
  }

  @Test func permutationsHoldEveryIndexOnce() {
    var stream = RandomStream(seed: 11)
    for count in [0, 1, 2, 3, 17, 1000] {
      #expect(stream.permutation(count).sorted() == Array(0..<count))
    }
    // All six orders of three, equally often.
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[stream.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6 && chiSquared(Array(counts.values)) < 25.7)
  }

  @Test func equalSeedsDrawEqualNumbers() {
    var (a, b, c) = (RandomStream(seed: 0), RandomStream(seed: 0), RandomStream(seed: 1))
    let words = (0..<100).map { _ in a.next() }
    #expect(words == (0..<100).map { _ in b.next() } && words != (0..<100).map { _ in c.next() })
    #expect(a == b && a != c)
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      var stream = RandomStream(seed: 1)
      _ = stream.integer(in: 3..<3)
    }
    await #expect(processExitsWith: .failure) { _ = Tensor(1).droppedOut(rate: 1, stream: RandomStream(seed: 1)) }
    await #expect(processExitsWith: .failure) { _ = Tensor(1).droppedOut(rate: .nan, stream: RandomStream(seed: 1)) }
  }
}
