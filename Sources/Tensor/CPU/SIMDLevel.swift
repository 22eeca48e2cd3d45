import CKernels
import Foundation

/// The SIMD instructions that the kernels use.
public enum SIMDLevel: String, Sendable, CaseIterable {
  case baseline, avx2, avx512, avx512bf16, amx

  /// The highest level that this processor runs.
  public static let best: SIMDLevel =
    switch ckernels_best_level() {
    case ckernels_level_amx: .amx
    case ckernels_level_avx512bf16: .avx512bf16
    case ckernels_level_avx512: .avx512
    case ckernels_level_avx2: .avx2
    default: .baseline
    }

  /// The level in use: the best one, or the lower one that the environment variable `CAPTCHA_SIMD` names.
  public static let active: SIMDLevel = {
    guard let name = ProcessInfo.processInfo.environment["CAPTCHA_SIMD"] else { return best }
    guard let level = SIMDLevel(rawValue: name) else {
      fatalError("CAPTCHA_SIMD=\(name): expected one of \(allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard level.rank <= best.rank else {
      fatalError("CAPTCHA_SIMD=\(name): this processor runs \(best.rawValue) at most")
    }
    return level
  }()

  /// The place in the order of the levels, from 0.
  public var rank: UInt32 { kernelLevel.rawValue }

  private var kernelLevel: ckernels_level {
    switch self {
    case .baseline: ckernels_level_baseline
    case .avx2: ckernels_level_avx2
    case .avx512: ckernels_level_avx512
    case .avx512bf16: ckernels_level_avx512bf16
    case .amx: ckernels_level_amx
    }
  }

  /// The kernels of this level.
  var kernels: UnsafePointer<ckernels_table> {
    // Finding the best level also asks the system for what it needs.
    precondition(
      rank <= Self.best.rank, "SIMDLevel: this processor runs \(Self.best.rawValue) at most, not \(rawValue)")
    guard let table = ckernels_for_level(kernelLevel) else {
      fatalError("the kernels of \(rawValue) are not part of this build")
    }
    return table
  }
}
