import Foundation
import Testing

/// Ctrl-C and SIGTERM while training, and going on afterwards.
@Suite struct InterruptionTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func train(_ run: String) -> [String] {
    ["train"] + TrainingCommandTests.tiny
      + ["--data", "images", "--epochs", "40", "--run", run, "--json"]
  }

  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func aRunThatWasInterruptedEndsAsIfItHadNotBeen(_ signal: Int32, _ code: Int32) throws {
    try runner.run("generate", "--output", "images", "--count", "400", "--types", "digit", "--length", "4")
    let running = try runner.start(train("cut"))
    try running.waitUntil { (try? runner.text("cut/metrics.csv").contains("\r\n1,")) == true }
    kill(running.process.processIdentifier, signal)
    let interrupted = try running.wait()
    #expect(interrupted.code == code, "\(interrupted.errors)")
    let json = try interrupted.json()
    let epochs = try #require(json["epochs_run"] as? Int)
    #expect(json["stopped_because"] as? String == "interrupted")
    #expect(epochs < 40)
    #expect(runner.exists("cut/checkpoints/best-val-loss.safetensors"))
    #expect(runner.exists("cut/checkpoints/final.safetensors"))
    #expect(interrupted.errors.contains("captcha-cli train --resume --run cut"))

    let resumed = try runner.run("train", "--resume", "--run", "cut", "--json")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try resumed.json()["epochs_run"] as? Int == 40)
    let whole = try runner.run(train("whole"))
    #expect(whole.code == 0, "\(whole.errors)")
    for file in ["final", "best-val-loss", "best-exact-match"] {
      #expect(
        FileManager.default.contentsEqual(
          atPath: runner.path("cut/checkpoints/\(file).safetensors"),
          andPath: runner.path("whole/checkpoints/\(file).safetensors"))
          || !runner.exists("whole/checkpoints/\(file).safetensors"), "\(file)")
    }
    #expect(try runner.text("cut/metrics.csv") == runner.text("whole/metrics.csv"))
  }
}
