import Foundation

/// The language of the lines that a training prints. Their texts are in this file; what callbacks say in messages and
/// warnings of their own is English.
public enum Language: String, CaseIterable, Codable, Sendable {
  case en
  case zh

  func choose(_ english: String, _ chinese: String) -> String { self == .en ? english : chinese }
}

// MARK: Parts of lines

extension Language {
  /// `Epoch 3/200`; `epoch` counts from 0.
  func epoch(_ epoch: Int, of epochs: Int) -> String {
    choose("Epoch \(epoch + 1)/\(epochs)", "第 \(epoch + 1)/\(epochs) 轮")
  }

  /// `Epoch 3`; `epoch` counts from 0.
  func epoch(_ epoch: Int) -> String { choose("epoch \(epoch + 1)", "第 \(epoch + 1) 轮") }

  func speed(_ imagesPerSecond: Double) -> String {
    let number = String(format: imagesPerSecond < 100 ? "%.1f" : "%.0f", imagesPerSecond)
    return choose("\(number) img/s", "\(number) 张/秒")
  }

  func remaining(_ seconds: Double) -> String { choose("ETA ", "剩余 ") + Self.clock(seconds) }

  func duration(_ seconds: Double) -> String {
    if seconds >= 60 { return Self.clock(seconds) }
    return String(format: "%.1f", seconds) + choose(" s", " 秒")
  }

  func dataWait(_ share: Double) -> String {
    let number = String(format: "%.0f %%", 100 * share)
    return choose("waiting for data \(number)", "等待数据 \(number)")
  }

  func learningRate(_ rate: Float) -> String { choose("rate ", "学习率 ") + Self.rate(rate) }

  /// `val_loss 0.1234`
  func metric(_ key: MetricKey, _ value: Double) -> String { "\(name(of: key)) \(Self.number(value, of: key))" }

  func name(of key: MetricKey) -> String {
    if self == .en { return key.rawValue }
    let plain = key.isValidation ? String(key.rawValue.dropFirst(4)) : key.rawValue
    let known = [
      "loss": "损失", "exact_match": "完全匹配率", "character_accuracy": "字符准确率", "binary_accuracy": "二元准确率",
      "precision": "精确率", "recall": "召回率", "learning_rate": "学习率",
    ]
    guard let name = known[plain] else { return key.rawValue }
    return key.isValidation ? "验证" + name : name
  }

  /// Losses first, then exact match, then what others added, by name.
  ///
  /// The finer metrics are left to `metrics.csv`, since a line should fit a terminal; the rate has a place of its own.
  func metrics(_ logs: Logs) -> [String] {
    let first: [MetricKey] = [.loss, .valLoss, .exactMatch, .valExactMatch]
    let finer: [MetricKey] = [.characterAccuracy, .binaryAccuracy, .precision, .recall]
    let hidden = Set(finer + finer.map(\.onValidation) + [.learningRate])
    let keys = first + logs.keys.filter { !first.contains($0) && !hidden.contains($0) }
    return keys.compactMap { key in logs[key].map { metric(key, $0) } }
  }

  /// Shares as per cent, other numbers with four decimals, small ones with an exponent.
  static func number(_ value: Double, of key: MetricKey) -> String {
    if !value.isFinite { return "\(value)" }
    if key.smallerIsBetter == false && (0...1).contains(value) { return String(format: "%.2f %%", 100 * value) }
    return String(format: value != 0 && abs(value) < 0.001 ? "%.2e" : "%.4f", value)
  }

  /// Text that may hold names from outside, which must neither break a line nor reach a terminal as commands.
  static func onOneLine(_ text: String) -> String {
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
  }

  static func rate(_ rate: Float) -> String { String(format: "%.4g", Double(rate)) }

  /// `0:42`, `12:03` or `1:02:03`.
  static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    let whole = max(0, Int(seconds.rounded()))
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60) : String(format: "%d:%02d", minutes, whole % 60)
  }
}

// MARK: Whole lines

extension Language {
  /// The line of an event for a log; nil for an event that a log does not show.
  ///
  /// - Parameters:
  ///   - verbose: show every change of the learning rate, not only reductions.
  ///   - leastDataWait: the smallest share of waiting for data that an epoch's line shows; it matters to few.
  func line(_ event: TrainingEvent, verbose: Bool, leastDataWait: Double = 0.01) -> String? {
    switch event {
    case .trainBegan(let plan): return began(plan)
    case .epochBegan, .batchEnded, .validationEnded, .weightsUpdated, .gradientsMeasured: return nil
    case .epochEnded(let summary): return ended(summary, leastDataWait)
    case .learningRateChanged(let change): return changed(change, verbose: verbose)
    case .modelSaved(let model): return saved(model)
    case .bestWeightsRestored(let epoch, let metric, let value):
      let best = self.metric(metric, value)
      return choose(
        "The weights of \(self.epoch(epoch)) are back (\(best))", "已恢复\(self.epoch(epoch))的最佳权重（\(best)）")
    case .metricMissing(let metric, let callback, let epoch):
      return choose(
        "Warning: \(self.epoch(epoch)) has no \(metric), which \(callback) watches; it skips the epoch",
        "警告：\(self.epoch(epoch))没有 \(metric)，\(callback) 跳过本轮")
    case .updateSkipped(let step, let reason):
      return choose(
        "Warning: the update of step \(step + 1) is left out: \(reason)", "警告：跳过第 \(step + 1) 步的更新：\(reason)")
    case .message(let text): return Self.onOneLine(text)
    case .warning(let text): return choose("Warning: ", "警告：") + Self.onOneLine(text)
    case .trainEnded(let outcome, let epochs, let seconds):
      return choose(
        "Training ended after \(epochs) \(epochs == 1 ? "epoch" : "epochs"), \(duration(seconds)): \(text(outcome))",
        "训练结束：共 \(epochs) 轮，用时 \(duration(seconds))，\(text(outcome))")
    }
  }

  private func began(_ plan: TrainingPlan) -> String {
    let from =
      plan.isResuming ? choose(" from \(epoch(plan.initialEpoch))", "（从\(epoch(plan.initialEpoch))继续）") : ""
    return choose(
      "Training\(from): \(plan.epochs) epochs, \(plan.stepsPerEpoch) batches each; \(plan.trainingSamples) images to "
        + "train on, \(plan.validationSamples) to validate",
      "开始训练\(from)：共 \(plan.epochs) 轮，每轮 \(plan.stepsPerEpoch) 批；训练图片 \(plan.trainingSamples) 张，"
        + "验证图片 \(plan.validationSamples) 张")
  }

  private func ended(_ summary: EpochSummary, _ leastDataWait: Double) -> String {
    let waiting = summary.dataWait >= leastDataWait ? [dataWait(summary.dataWait)] : []
    return
      ([
        epoch(summary.epoch, of: summary.epochs), choose("", "用时 ") + duration(summary.seconds),
        speed(summary.imagesPerSecond),
      ] + metrics(summary.logs) + [learningRate(summary.learningRate)] + waiting).joined(separator: "  ")
  }

  private func changed(_ change: LearningRateChange, verbose: Bool) -> String? {
    let lost = Float(change.requested) != change.effective
    guard verbose || lost || (!change.isPlanned && change.effective < change.earlier) else { return nil }
    let (requested, effective) = (Self.rate(Float(change.requested)), Self.rate(change.effective))
    let line = choose(
      "\(change.callback): rate set to \(requested), the optimizer has \(effective)",
      "\(change.callback)：设置学习率 \(requested)，优化器当前学习率 \(effective)")
    return lost ? choose("Warning: ", "警告：") + line : line
  }

  private func saved(_ model: SavedModel) -> String {
    let reason = model.metric.flatMap { key in model.value.map { " (\(metric(key, $0)))" } } ?? ""
    return choose("Saved \(model.name)\(reason)", "已保存 \(model.name)\(reason)")
  }

  /// Why training was asked to stop.
  public func text(_ reason: StopReason) -> String {
    switch reason {
    case .noImprovement(let monitor, let patience, let best, let bestEpoch):
      guard let best, let bestEpoch else {
        return choose(
          "\(monitor) had no usable value for \(patience) epochs", "\(name(of: monitor))在 \(patience) 轮内没有有效值")
      }
      return choose(
        "no better \(monitor) for \(patience) epochs; the best was \(Self.number(best, of: monitor)) in "
          + epoch(bestEpoch),
        "\(name(of: monitor))连续 \(patience) 轮没有改善，最佳值 \(Self.number(best, of: monitor))（\(epoch(bestEpoch))）")
    case .nonFinite(let fault):
      return choose(
        "\(fault); lower the learning rate or clip the gradients",
        "出现 NaN 或无穷大（\(fault)），请降低学习率或裁剪梯度")
    case .timeBudget(let seconds):
      return choose("the time allowed, \(duration(seconds)), is used up", "已用完限定时间 \(duration(seconds))")
    case .interrupted: return choose("interrupted", "已中断")
    case .other(let text): return text
    }
  }

  /// How training ended.
  public func text(_ outcome: TrainingOutcome) -> String {
    switch outcome {
    case .completed: choose("all epochs done", "已完成全部轮次")
    case .stopped(let reason): text(reason)
    case .failed(let error): choose("failed: ", "训练失败：") + error
    }
  }
}
