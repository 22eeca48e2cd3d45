import COpenBLAS
import Foundation

/// OpenBLAS, set up once: one thread per call, since the framework divides work among threads itself, and the kernels
/// that fit the processor.
public enum BLAS {
  /// What OpenBLAS runs on this processor, for reports.
  public struct Selection: Sendable {
    /// OpenBLAS's name of the kernels in use, such as `SkylakeX`.
    public let core: String
    /// The kernels that OpenBLAS had chosen by itself, where they were replaced.
    public let replaced: String?
  }

  /// The kernels in use; the first access sets OpenBLAS up.
  public static let selection: Selection = {
    openblas_set_num_threads(1)
    let chosen = coreName
    // OpenBLAS 0.3.21 does not know newer processors and falls back to AVX2 kernels, at half the speed. It reads the
    // variable below only while it starts, so it is started again. A user's own choice stands.
    let environment = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"]
    let wide = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    guard environment == nil, SIMDLevel.best.rank >= SIMDLevel.avx512.rank, !wide.contains(chosen),
      restart(as: "SkylakeX")
    else { return Selection(core: chosen, replaced: nil) }
    openblas_set_num_threads(1)
    return Selection(core: coreName, replaced: chosen)
  }()

  private static var coreName: String { String(cString: openblas_get_corename()) }

  /// Makes OpenBLAS choose its kernels again, as `core`; false where this build of it has only one set.
  private static func restart(as core: String) -> Bool {
    typealias Function = @convention(c) () -> Void
    let process = dlopen(nil, RTLD_NOW)
    guard let quit = dlsym(process, "gotoblas_dynamic_quit"), let start = dlsym(process, "gotoblas_dynamic_init")
    else { return false }
    setenv("OPENBLAS_CORETYPE", core, 1)
    unsafeBitCast(quit, to: Function.self)()
    unsafeBitCast(start, to: Function.self)()
    unsetenv("OPENBLAS_CORETYPE")
    return true
  }

  /// c = a · b for row-major matrices with the given row strides, on the calling thread.
  static func multiply(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, transposed transposeA: Bool,
    _ b: UnsafePointer<Float>, stride ldb: Int, transposed transposeB: Bool,
    into c: UnsafeMutablePointer<Float>, stride ldc: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), 1, a, blasint(lda), b, blasint(ldb), 0, c, blasint(ldc))
  }
}
