#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A reproducible stream of random numbers, the same on every machine and with every compiler.
///
/// Streams are derived by name, so that what one part of a program draws never shifts what another part draws:
/// ```swift
/// let seed = RandomStream(seed: 42)
/// var order = seed.stream("order", 3)      // the order of epoch 3
/// let index = order.integer(in: 0..<10)
/// ```
/// The state is two numbers, which can be saved and restored (`Codable`).
public struct RandomStream: RandomNumberGenerator, Sendable, Codable, Hashable {
  /// Identifies the stream: two streams with equal keys draw equal numbers.
  public private(set) var key: UInt64
  /// How many 32-bit words the stream has given so far.
  public private(set) var position: UInt64 = 0

  private var block = SIMD4<UInt32>()

  private enum CodingKeys: String, CodingKey { case key, position }

  public init(seed: UInt64) {
    key = Self.mix(seed)
  }

  public static func == (a: RandomStream, b: RandomStream) -> Bool {
    // The block follows from the key and the position, and is only computed when a word of it is drawn.
    a.key == b.key && a.position == b.position
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(key)
    hasher.combine(position)
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    key = try values.decode(UInt64.self, forKey: .key)
    position = try values.decode(UInt64.self, forKey: .position)
    if position % 4 != 0 { block = blockAtPosition }
  }

  /// A new stream at its start, which depends on this stream's key, `name` and `index` only (not on its position).
  public func stream(_ name: String, _ index: Int = 0) -> RandomStream {
    // FNV-1a over the name, then mixed with the parent's key and the index.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var result = self
    result.key = Self.mix(Self.mix(key ^ hash) &+ UInt64(bitPattern: Int64(index)))
    result.position = 0
    return result
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private var blockAtPosition: SIMD4<UInt32> {
    let index = position / 4
    return Philox.block(
      counter: SIMD4(UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), 0, 0),
      key: SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)))
  }

  /// The next 32 random bits.
  public mutating func nextWord() -> UInt32 {
    let lane = Int(position % 4)
    if lane == 0 { block = blockAtPosition }
    position += 1
    return block[lane]
  }

  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return UInt64(nextWord()) << 32 | low
  }

  /// A uniform number in [0, 1) with 24 random bits.
  public mutating func unitFloat() -> Float {
    Float(nextWord() >> 8) * 0x1p-24
  }

  /// A uniform number in [0, 1) with 53 random bits.
  public mutating func unitDouble() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A uniform number in `range`; its lower bound where the range is empty.
  public mutating func float(in range: Range<Float>) -> Float {
    let value = range.lowerBound + (range.upperBound - range.lowerBound) * unitFloat()
    // The sum may round up to the bound, which is not in the range.
    return value < range.upperBound ? value : max(range.lowerBound, range.upperBound.nextDown)
  }

  /// A uniform number in `range`; its lower bound where the range is empty.
  public mutating func double(in range: Range<Double>) -> Double {
    let value = range.lowerBound + (range.upperBound - range.lowerBound) * unitDouble()
    return value < range.upperBound ? value : max(range.lowerBound, range.upperBound.nextDown)
  }

  /// A uniform integer in `range`, which must not be empty, without bias.
  public mutating func integer(in range: Range<Int>) -> Int {
    precondition(!range.isEmpty, "RandomStream.integer(in:) needs a range that is not empty")
    return integer(from: range.lowerBound, width: UInt64(bitPattern: Int64(range.upperBound &- range.lowerBound)))
  }

  /// A uniform integer in `range`, both ends included, without bias.
  public mutating func integer(in range: ClosedRange<Int>) -> Int {
    // The width of all integers does not fit and wraps to 0.
    let width = UInt64(bitPattern: Int64(range.upperBound &- range.lowerBound)) &+ 1
    if width == 0 { return Int(truncatingIfNeeded: next()) }
    return integer(from: range.lowerBound, width: width)
  }

  /// One of the `width` integers from `lowerBound` on, without bias (Lemire 2019).
  private mutating func integer(from lowerBound: Int, width: UInt64) -> Int {
    var product = next().multipliedFullWidth(by: width)
    if product.low < width {
      let threshold = (0 &- width) % width
      while product.low < threshold { product = next().multipliedFullWidth(by: width) }
    }
    return lowerBound &+ Int(truncatingIfNeeded: product.high)
  }

  /// A number of the normal distribution with mean 0 and variance 1 (Box and Muller 1958).
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - unitDouble())).squareRoot()
    return radius * cos(2 * .pi * unitDouble())
  }

  /// A random permutation of `0..<count` (Fisher and Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<count)
    if count < 2 { return result }
    for last in stride(from: count - 1, to: 0, by: -1) {
      result.swapAt(last, integer(in: 0...last))
    }
    return result
  }
}
