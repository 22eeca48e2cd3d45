/// The sizes of a tensor along its axes, outermost first; `[]` is a scalar's shape.
public struct Shape: Sendable, Hashable, Codable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public let dimensions: [Int]

  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "Shape: negative size in \(dimensions)")
    self.dimensions = dimensions
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public init(from decoder: any Decoder) throws {
    self.init(try [Int](from: decoder))
  }

  public func encode(to encoder: any Encoder) throws { try dimensions.encode(to: encoder) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements.
  public var count: Int { dimensions.reduce(1, *) }

  /// The size along `axis`; negative axes count from the end.
  public subscript(axis: Int) -> Int { dimensions[axis < 0 ? axis + rank : axis] }

  /// All sizes but the last one, multiplied: the number of rows of the tensor seen as a matrix [rows, last].
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  public var description: String { "[\(dimensions.map(String.init).joined(separator: ", "))]" }
}

/// The type of a tensor's elements.
public enum DType: String, Sendable, Codable, CaseIterable {
  case float32, uint8, int32

  /// Bytes per element.
  public var size: Int { self == .uint8 ? 1 : 4 }
}

/// A Swift type that a tensor can hold.
public protocol TensorElement: Sendable {
  static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
