import Foundation
import Tensor

/// What a training or an evaluation ran on, as records keep it.
struct MachineDescription: Codable, Hashable {
  /// The processor's name.
  let cpu: String
  let processors: Int
  /// How many of them were used.
  let threads: Int
  let simd: String
  /// The kernels of OpenBLAS.
  let blas: String
  let memoryBytes: UInt64
  let system: String

  private enum CodingKeys: String, CodingKey {
    case cpu, processors, threads, simd, blas, system
    case memoryBytes = "memory_bytes"
  }

  /// This one.
  static var present: MachineDescription {
    MachineDescription(
      cpu: Machine.processor ?? "unknown", processors: ProcessInfo.processInfo.activeProcessorCount,
      threads: Threads.count, simd: SIMDLevel.active.rawValue, blas: BLAS.selection.core,
      memoryBytes: ProcessInfo.processInfo.physicalMemory,
      system: ProcessInfo.processInfo.operatingSystemVersionString)
  }
}
