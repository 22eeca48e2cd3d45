import Foundation
import Tensor

/// What a training runs on, in words for its report.
enum MachineFacts {
  /// Names and values in the order in which they are shown.
  static func all() -> [(name: String, value: String)] {
    let memory = Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30)
    let blas = BLAS.selection
    return [
      ("Processor", Machine.processor ?? "unknown"),
      ("Threads", SystemCheck.threads().detail),
      ("Memory", "\(memory.fixed(1)) GiB in all, \(SystemCheck.memory().detail) at the start"),
      ("SIMD level", SIMDLevel.active.rawValue),
      (
        "Matrix products",
        "OpenBLAS \(BLAS.version), kernels \(blas.core)" + (blas.replaced.map { " in place of \($0)" } ?? "")
      ),
      ("Operating system", ProcessInfo.processInfo.operatingSystemVersionString),
    ]
  }
}
