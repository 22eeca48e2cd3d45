/// The sizes of a tensor along its axes, outermost first; `[]` is a scalar's shape.
public struct Shape: Sendable, Hashable, Codable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public let dimensions: [Int]

  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "Shape: negative size in \(dimensions)")
    precondition(Self.count(of: dimensions) != nil, "Shape: \(dimensions) has more elements than memory can hold")
    self.dimensions = dimensions
  }

  /// The number of elements; nil for a negative size, and for more elements than an address space holds.
  static func count(of dimensions: [Int]) -> Int? {
    var count = 1
    for size in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow || size < 0 || product > Int.max / 16 { return nil }
      count = product
    }
    return count
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public init(from decoder: any Decoder) throws {
    let dimensions = try [Int](from: decoder)
    guard Self.count(of: dimensions) != nil else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "\(dimensions) is no tensor's shape"))
    }
    self.init(dimensions)
  }

  public func encode(to encoder: any Encoder) throws { try dimensions.encode(to: encoder) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements.
  public var count: Int { dimensions.reduce(1, *) }

  /// The size along `axis`; negative axes count from the end.
  public subscript(axis: Int) -> Int {
    precondition(axis >= -rank && axis < rank, "Shape: no axis \(axis) in \(self)")
    return dimensions[axis < 0 ? axis + rank : axis]
  }

  /// All sizes but the last one, multiplied: the number of rows of the tensor seen as a matrix [rows, last].
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  public var description: String { "[\(dimensions.map(String.init).joined(separator: ", "))]" }
}

/// The type of a tensor's elements.
public enum DType: String, Sendable, Codable, CaseIterable {
  case float32, uint8, int32
  /// The upper halves of float32 numbers: what passes between convolution blocks with factors of this precision.
  case bfloat16

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16: 2
    case .uint8: 1
    }
  }
}

/// A Swift type that a tensor can hold.
public protocol TensorElement: Sendable {
  static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
