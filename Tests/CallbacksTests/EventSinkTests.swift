import Foundation
import Testing

@testable import Callbacks

@Suite struct EventSinkTests {
  private func temporaryFile() -> URL {
    FileManager.default.temporaryDirectory.appendingPathComponent("sink-\(UUID().uuidString)")
  }

  private func epochEnded(_ epoch: Int, _ logs: Logs) -> TrainingEvent {
    .epochEnded(
      EpochSummary(epoch: epoch, epochs: 4, logs: logs, learningRate: 0.0005, seconds: 75, imagesPerSecond: 63.14))
  }

  private func trainBegan(from epoch: Int = 0, validationSamples: Int = 9) -> TrainingEvent {
    .trainBegan(
      TrainingPlan(
        epochs: 4, initialEpoch: epoch, stepsPerEpoch: 5, trainingSamples: 36, validationSamples: validationSamples,
        learningRate: 0.1, metrics: [.loss, .valLoss]))
  }

  // MARK: CSV

  private func table(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

  /// Columns, order, `NA` and line ends as Keras's CSVLogger writes them.
  @Test func csvFollowsKeras() throws {
    let url = temporaryFile()
    defer { try? FileManager.default.removeItem(at: url) }
    let sink = CSVSink(url)
    try sink.receive(trainBegan())
    try sink.receive(epochEnded(0, [.valLoss: 0.25, .loss: 0.5, .learningRate: 0.001]))
    try sink.receive(epochEnded(1, [.loss: .nan, "late": 3]))
    try sink.receive(epochEnded(2, [.loss: 1e-5, .valLoss: .infinity, .learningRate: 0.0005]))
    #expect(
      try table(url)
        == "epoch,learning_rate,loss,val_loss\r\n0,0.001,0.5,0.25\r\n1,NA,nan,NA\r\n2,0.0005,1e-05,inf\r\n")
  }

  @Test func csvHasColumnsForAValidationThatComesLater() throws {
    let url = temporaryFile()
    defer { try? FileManager.default.removeItem(at: url) }
    let sink = CSVSink(url)
    try sink.receive(trainBegan())
    try sink.receive(epochEnded(0, [.loss: 0.5, .learningRate: 0.1]))
    try sink.receive(epochEnded(1, [.loss: 0.4, .valLoss: 0.3]))
    #expect(try table(url) == "epoch,learning_rate,loss,val_loss\r\n0,0.1,0.5,NA\r\n1,NA,0.4,0.3\r\n")
    try sink.receive(trainBegan(validationSamples: 0))
    try sink.receive(epochEnded(0, [.loss: 0.5]))
    #expect(try table(url) == "epoch,loss\r\n0,0.5\r\n")
  }

  /// Killed after writing epoch 2 and half of epoch 3, resumed from the checkpoint of epoch 1.
  @Test func csvOfAResumedRunIsThatOfAnUninterruptedOne() throws {
    let (whole, cut) = (temporaryFile(), temporaryFile())
    defer { for url in [whole, cut] { try? FileManager.default.removeItem(at: url) } }
    let logs: [Logs] = (0..<4).map { [.loss: 1 / Double($0 + 1), .valLoss: 2 / Double($0 + 3)] }
    let uninterrupted = CSVSink(whole)
    try uninterrupted.receive(trainBegan())
    for epoch in 0..<4 { try uninterrupted.receive(epochEnded(epoch, logs[epoch])) }
    let first = CSVSink(cut)
    try first.receive(trainBegan())
    for epoch in 0..<3 { try first.receive(epochEnded(epoch, logs[epoch])) }
    try (table(cut) + "3,0.2").write(to: cut, atomically: false, encoding: .utf8)
    let second = CSVSink(cut)
    try second.receive(trainBegan(from: 2))
    for epoch in 2..<4 { try second.receive(epochEnded(epoch, logs[epoch])) }
    #expect(try table(cut) == table(whole))
  }

  /// An editor may have changed the line ends; a file without its header is kept beside the new one.
  @Test func csvThatWasTouchedKeepsItsRows() throws {
    let url = temporaryFile()
    let old = url.appendingPathExtension("old")
    defer { for file in [url, old] { try? FileManager.default.removeItem(at: file) } }
    try "epoch,loss\n0,0.5\n1,0.25\n2,0.1\n".write(to: url, atomically: false, encoding: .utf8)
    try CSVSink(url).receive(trainBegan(from: 2))
    #expect(try table(url) == "epoch,loss\r\n0,0.5\r\n1,0.25\r\n")
    try "0,0.5\r\n1,0.25\r\n".write(to: url, atomically: false, encoding: .utf8)
    let sink = CSVSink(url)
    try sink.receive(trainBegan(from: 2))
    try sink.receive(epochEnded(2, [.loss: -.nan, .valLoss: 1]))
    #expect(try table(url) == "epoch,loss,val_loss\r\n2,nan,1.0\r\n")
    #expect(try table(old) == "0,0.5\r\n1,0.25\r\n")
  }

  // MARK: Lines

  @Test func logHasALinePerEventWithItsTime() throws {
    let url = temporaryFile()
    defer { try? FileManager.default.removeItem(at: url) }
    let sink = try LogFileSink(url, language: .en, verbose: false, now: { Date(timeIntervalSince1970: 0) })
    try sink.receive(trainBegan())
    try sink.receive(.epochBegan(epoch: 0, of: 4, learningRate: 0.1))
    try sink.receive(epochEnded(0, [.loss: 0.5, .valLoss: 0.0001, .valExactMatch: 0.125]))
    try sink.receive(.modelSaved(SavedModel(epoch: 0, name: "best-val-loss", metric: .valLoss, value: 0.25)))
    let lines = try table(url).split(separator: "\n").map(String.init)
    #expect(
      lines == [
        "1970-01-01T00:00:00Z  Training: 4 epochs, 5 batches each; 36 images to train on, 9 to validate",
        "1970-01-01T00:00:00Z  Epoch 1/4  1:15  63.1 img/s  loss 0.5000  val_loss 1.00e-04  val_exact_match 12.50 %"
          + "  rate 0.0005  waiting for data 0 %",
        "1970-01-01T00:00:00Z  Saved best-val-loss (val_loss 0.2500)",
      ])
  }

  @Test func logGoesOnAtTheEndOfAnEarlierOne() throws {
    let url = temporaryFile()
    defer { try? FileManager.default.removeItem(at: url) }
    for text in ["one", "two"] { try LogFileSink(url).receive(.message(text)) }
    #expect(try table(url).split(separator: "\n").map { $0.split(separator: " ").last } == ["one", "two"])
    #expect(throws: EventSinkError.self) { try LogFileSink(url.appendingPathComponent("below-a-file")) }
  }

  @Test func linesInChinese() throws {
    #expect(
      Language.zh.line(epochEnded(2, [.loss: 0.5, .valLoss: 0.25, .valExactMatch: 0.125]), verbose: false)
        == "第 3/4 轮  用时 1:15  63.1 张/秒  损失 0.5000  验证损失 0.2500  验证完全匹配率 12.50 %  学习率 0.0005")
    let stop = StopReason.noImprovement(monitor: .valLoss, patience: 25, best: 0.25, bestEpoch: 61)
    #expect(
      Language.zh.line(.trainEnded(.stopped(stop), epochsRun: 87, seconds: 3723), verbose: false)
        == "训练结束：共 87 轮，用时 1:02:03，验证损失连续 25 轮没有改善，最佳值 0.2500（第 62 轮）")
    #expect(
      Language.en.text(stop) == "no better val_loss for 25 epochs; the best was 0.2500 in epoch 62")
  }

  /// The original system's central fault was that the rate that was set and the optimizer's differed.
  @Test func rateChangesShowBothRates() {
    func line(_ requested: Double, _ effective: Float, verbose: Bool) -> String? {
      Language.en.line(
        .learningRateChanged(
          LearningRateChange(
            epoch: 0, callback: "warmup", earlier: 0.001, requested: requested, effective: effective)),
        verbose: verbose)
    }
    #expect(line(0.002, 0.002, verbose: false) == nil)
    #expect(line(0.002, 0.002, verbose: true) == "warmup: rate set to 0.002, the optimizer has 0.002")
    #expect(line(0.0005, 0.0005, verbose: false) == "warmup: rate set to 0.0005, the optimizer has 0.0005")
    #expect(line(0.002, 0.001, verbose: false) == "Warning: warmup: rate set to 0.002, the optimizer has 0.001")
  }

  // MARK: Lines of JSON

  @Test func jsonLinesSayWhatHappened() throws {
    var lines: [String] = []
    var time = Date(timeIntervalSince1970: 0)
    let sink = JSONLinesSink(now: { time }, write: { lines.append($0) })
    try sink.receive(trainBegan())
    try sink.receive(epochEnded(0, [.loss: .nan, "val_my_score": 0.5, "gH": 1, "g_h": 2]))
    try sink.receive(.modelSaved(SavedModel(epoch: 0, name: "best \"a\"\n", metric: .valLoss, value: 0.25)))
    try sink.receive(.warning("two\nlines"))
    try sink.receive(.trainEnded(.stopped(.interrupted), epochsRun: 1, seconds: 2))
    #expect(
      lines == [
        #"{"epoch":0,"epochs":4,"event":"train_began","images":36,"learning_rate":0.1,"steps":5,"#
          + #""time":"1970-01-01T00:00:00Z","validation_images":9}"# + "\n",
        #"{"data_wait":0,"epoch":0,"epochs":4,"event":"epoch_ended","images_per_second":63.14,"learning_rate":0.0005,"#
          + #""logs":{"gH":1,"g_h":2,"loss":"nan","val_my_score":0.5},"seconds":75,"time":"1970-01-01T00:00:00Z"}"#
          + "\n",
        #"{"epoch":0,"event":"model_saved","metric":"val_loss","name":"best \"a\"\n","time":"1970-01-01T00:00:00Z","#
          + #""value":0.25}"# + "\n",
        #"{"event":"warning","text":"two\nlines","time":"1970-01-01T00:00:00Z"}"# + "\n",
        #"{"epochs":1,"event":"train_ended","outcome":"stopped","seconds":2,"text":"interrupted","#
          + #""time":"1970-01-01T00:00:00Z"}"# + "\n",
      ])
    // Batches once a second, and the last one of an epoch.
    lines = []
    for step in 1...4 {
      try sink.receive(batch(step))
      if step == 2 { time += 1 }
    }
    #expect(lines.map { $0.contains(#""step":1,"#) ? 1 : $0.contains(#""step":3,"#) ? 3 : 4 } == [1, 3, 4])
  }

  // MARK: Progress bar

  private final class Screen {
    var text = ""
  }

  private func progressBar(_ screen: Screen, isTerminal: Bool, columns: Int = 200, language: Language = .en)
    -> ProgressBarSink
  {
    ProgressBarSink(
      language: language, verbose: false, isTerminal: isTerminal, columns: { columns }, interval: .zero,
      write: { screen.text += $0 })
  }

  private func batch(_ step: Int) -> TrainingEvent {
    .batchEnded(
      BatchProgress(
        epoch: 2, epochs: 4, step: step, steps: 4, images: 8 * step, logs: [.loss: 0.5], learningRate: 0.001,
        imagesPerSecond: 63.14, remainingSeconds: 42))
  }

  @Test func terminalShowsOneLiveLineThatTheEpochsLineReplaces() throws {
    let screen = Screen()
    let bar = progressBar(screen, isTerminal: true)
    try bar.receive(batch(1))
    try bar.receive(batch(4))
    try bar.receive(epochEnded(2, [.loss: 0.5]))
    try bar.receive(.message("done"))
    let start = "\r\u{1B}[KEpoch 3/4 "
    #expect(
      screen.text
        == start + "━━━━━━──────────────────" + " 1/4  63.1 img/s  ETA 0:42  loss 0.5000  rate 0.001"
        + start + "━━━━━━━━━━━━━━━━━━━━━━━━" + " 4/4  63.1 img/s  ETA 0:42  loss 0.5000  rate 0.001"
        + "\r\u{1B}[KEpoch 3/4  1:15  63.1 img/s  loss 0.5000  rate 0.0005\ndone\n")
  }

  @Test func liveLineNeverWraps() throws {
    let screen = Screen()
    try progressBar(screen, isTerminal: true, columns: 20, language: .zh).receive(batch(1))
    // 第 and 轮 take two columns each; the last of 20 stays free.
    #expect(screen.text == "\r\u{1B}[K第 3/4 轮 ━━━━━━───")
  }

  @Test func withoutATerminalThereIsOneLinePerEpoch() throws {
    let screen = Screen()
    let bar = progressBar(screen, isTerminal: false)
    try bar.receive(batch(1))
    try bar.receive(epochEnded(2, [.loss: 0.5]))
    #expect(screen.text == "Epoch 3/4  1:15  63.1 img/s  loss 0.5000  rate 0.0005\n")
  }

  /// The log has the share of waiting for data always, the others where it matters.
  @Test func waitingForDataIsShownWhereItMatters() {
    func line(_ share: Double, _ language: Language, least: Double? = nil) -> String? {
      let event = TrainingEvent.epochEnded(
        EpochSummary(
          epoch: 0, epochs: 4, logs: [.loss: 0.5], learningRate: 0.0005, seconds: 75, imagesPerSecond: 63.14,
          dataWait: share))
      return least.map { language.line(event, verbose: false, leastDataWait: $0) }
        ?? language.line(event, verbose: false)
    }
    let start = "Epoch 1/4  1:15  63.1 img/s  loss 0.5000  rate 0.0005"
    #expect(line(0.0099, .en) == start)
    #expect(line(0.031, .en) == start + "  waiting for data 3 %")
    #expect(line(0.0001, .en, least: 0) == start + "  waiting for data 0 %")
    #expect(line(0.031, .zh) == "第 1/4 轮  用时 1:15  63.1 张/秒  损失 0.5000  学习率 0.0005  等待数据 3 %")
  }

  // MARK: List

  private final class FullDisk: EventSink {
    struct Failure: Error, CustomStringConvertible { let description = "no space left" }
    var count = 0
    func receive(_ event: TrainingEvent) throws {
      count += 1
      throw Failure()
    }
  }

  @Test func aSinkThatFailsIsLeftOutAndTheOthersSayWhy() {
    let (broken, screen) = (FullDisk(), Screen())
    let list = EventSinkList([broken, progressBar(screen, isTerminal: false)])
    list.send(.message("one"))
    list.send(.message("two"))
    #expect(broken.count == 1)
    #expect(screen.text == "one\nWarning: FullDisk is left out from here on: no space left\ntwo\n")
  }
}
