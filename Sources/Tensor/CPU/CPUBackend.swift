import CKernels

/// The backend of ordinary processors: the kernels of one SIMD level, OpenBLAS, and `Threads`.
///
/// One topic per file: products, convolution, pooling, columns, elements.
public struct CPUBackend: Backend {
  let kernels: UnsafePointerToKernels
  let allowsWinograd: Bool

  /// A backend with the kernels of `level`, which the processor must run.
  ///
  /// - Parameter allowsWinograd: whether convolutions may take Winograd's algorithm where it is faster; its results differ
  ///   from the direct ones by rounding, by about 1e-5 of the largest.
  public init(level: SIMDLevel = .active, allowsWinograd: Bool = true) {
    kernels = UnsafePointerToKernels(pointer: level.kernels)
    self.allowsWinograd = allowsWinograd
  }
}

/// The kernels' table: constant memory, which every thread may read.
@dynamicMemberLookup
struct UnsafePointerToKernels: @unchecked Sendable {
  let pointer: UnsafePointer<ckernels_table>

  subscript<Value>(dynamicMember member: KeyPath<ckernels_table, Value>) -> Value { pointer.pointee[keyPath: member] }
}

extension Tensor {
  /// The float elements' address; valid while the tensor lives.
  var floats: UnsafeMutablePointer<Float> { storage.bytes.assumingMemoryBound(to: Float.self) }
  /// The uint8 elements' address; valid while the tensor lives.
  var bytes: UnsafeMutablePointer<UInt8> { storage.bytes.assumingMemoryBound(to: UInt8.self) }
}

/// An address that threads share, each with its own part of what lies there.
struct SharedPointer<Pointee>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Pointee>
  init(_ pointer: UnsafeMutablePointer<Pointee>) { self.pointer = pointer }
}
