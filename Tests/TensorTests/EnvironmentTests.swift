import Foundation
import Testing

@testable import Tensor

/// What environment variables change. Each is read once, so each test has a process of its own.
@Suite struct EnvironmentTests {
  @Test func theLevelCanBeLowered() async {
    await #expect(processExitsWith: .success) {
      setenv("CAPTCHA_SIMD", "baseline", 1)
      #expect(SIMDLevel.active == .baseline)
      #expect(String(cString: CPUBackend().kernels.name) == "baseline")
    }
    await #expect(processExitsWith: .success) {
      unsetenv("CAPTCHA_SIMD")
      #expect(SIMDLevel.active == SIMDLevel.best)
    }
  }

  @Test func everyLevelHasItsKernels() {
    for level in SIMDLevel.supported {
      #expect(String(cString: CPUBackend(level: level).kernels.name) == level.rawValue)
    }
  }

  @Test func anUnknownLevelStopsAndSaysWhatThereIs() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      setenv("CAPTCHA_SIMD", "avx1024", 1)
      _ = SIMDLevel.active
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("CAPTCHA_SIMD=avx1024: expected one of baseline, avx2, avx512"))
  }

  @Test func theThreadCountCanBeSet() async {
    await #expect(processExitsWith: .success) {
      setenv("CAPTCHA_THREADS", "3", 1)
      #expect(Threads.count == 3)
      Threads.count = 5
      #expect(Threads.count == 5)
    }
    await #expect(processExitsWith: .success) {
      unsetenv("CAPTCHA_THREADS")
      #expect(Threads.count == ProcessInfo.processInfo.activeProcessorCount)
    }
  }

  @Test func aThreadCountThatIsNoneStopsAndSaysWhy() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      setenv("CAPTCHA_THREADS", "many", 1)
      _ = Threads.count
    }
    #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("CAPTCHA_THREADS=many: expected"))
    await #expect(processExitsWith: .failure) {
      setenv("CAPTCHA_THREADS", "0", 1)
      _ = Threads.count
    }
  }

  @Test func theUsersChoiceOfBLASKernelsStands() async {
    await #expect(processExitsWith: .success) {
      setenv("OPENBLAS_CORETYPE", "Haswell", 1)
      #expect(BLAS.selection.replaced == nil)
    }
  }

  /// After the restart with other kernels, products are still right and the variable is gone.
  @Test func replacedBLASKernelsMultiply() async {
    await #expect(processExitsWith: .success) {
      unsetenv("OPENBLAS_CORETYPE")
      let ones = Tensor(repeating: 1, shape: [64, 64])
      #expect(ones.matrixProduct(ones).elements().allSatisfy { $0 == 64 })
      #expect(getenv("OPENBLAS_CORETYPE") == nil)
    }
  }
}
