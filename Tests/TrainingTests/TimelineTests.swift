import Callbacks
import Foundation
import Testing
import Training

/// `timeline.csv` of real trainings: all but the times is what it would be without interruptions.
@Suite struct TimelineTests {
  /// The rows, by column.
  private func rows(_ url: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\r\n").dropLast()
    let names = try #require(lines.first).components(separatedBy: ",")
    #expect(names == ["epoch"] + TimelineSink.columns)
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(names, line.components(separatedBy: ",")))
    }
  }

  private func withoutTimes(_ row: [String: String]) -> [String: String] {
    row.filter { !$0.key.hasSuffix("seconds") }
  }

  /// Trains in parts of `batches` batches each.
  private func train(batches: Int) throws -> [[String: String]] {
    let small = try SmallTraining()
    let folder = try TemporaryFolder()
    var state: ResumeState?
    for _ in 0..<20 {
      var left = batches
      var interruption: Interruption?
      let watcher = Watcher { event in
        guard case .batchEnded = event else { return }
        left -= 1
        if left == 0 { interruption?.request() }
      }
      let trainer = small.trainer(directory: folder.run, sinks: [TimelineSink(folder.run.timeline), watcher])
      interruption = trainer.interruption
      let result = try trainer.fit(small.training, validation: small.validation, resuming: state)
      if result.outcome == .completed { return try rows(folder.run.timeline) }
      state = try ResumeState(contentsOf: folder.run.resumeState)
    }
    throw Mishap(description: "the training does not get ahead")
  }

  @Test func interruptionsChangeNothingButTheTimes() throws {
    let whole = try train(batches: 1000)
    // Ten images in batches of four.
    #expect(whole.map { $0["epoch"] } == ["0", "1", "2"])
    #expect(whole.map { $0["step"] } == ["3", "6", "9"])
    #expect(whole.map { $0["images"] } == ["10", "20", "30"])
    for batches in 1...8 {
      let parts = try train(batches: batches)
      #expect(parts.filter { $0["loss"] != "NA" }.map(withoutTimes) == whole.map(withoutTimes), "\(batches)")
      // A row for every part that ended within an epoch.
      let ends = stride(from: batches, to: 9, by: batches).filter { $0 % 3 != 0 }
      #expect(parts.filter { $0["loss"] == "NA" }.compactMap { Int($0["step"] ?? "") } == ends, "\(batches)")
      for column in ["training_seconds", "validation_seconds"] {
        let seconds = parts.map { Double($0[column] ?? "") ?? .nan }
        #expect(zip(seconds, seconds.dropFirst()).allSatisfy { $0 <= $1 }, "\(column) \(seconds)")
      }
    }
  }
}
