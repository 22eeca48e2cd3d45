import Callbacks
import Foundation

/// The top of the page: what the training is doing, and its key figures.
struct Headline {
  let title: String
  let record: TrainingRecord
  let updated: Date
  let remarks: [String]

  /// How long a browser waits before it loads the page again: about half an epoch.
  static func refreshSeconds(_ record: TrainingRecord) -> Int {
    min(60, max(5, Int((meanEpochSeconds(record) ?? 10) / 2)))
  }

  /// The mean of the last epochs, which tell more about the next ones than the first.
  private static func meanEpochSeconds(_ record: TrainingRecord) -> Double? {
    let last = record.epochs.suffix(5).map(\.seconds).filter { $0.isFinite && $0 >= 0 && $0 < 1e9 }
    return last.isEmpty ? nil : last.reduce(0, +) / Double(last.count)
  }

  func markup() -> Markup {
    let (name, words, explanation) = state()
    return element("header") {
      element("h1") { element("bdi") { title } }
      element("p", ["class": "state"]) {
        element("span", ["class": "pill \(name)"]) { words }
        if let explanation { element("span", ["class": "explanation"]) { element("bdi") { explanation } } }
      }
      progress()
      element("p", ["class": "remark"]) { updateText }
      for remark in remarks {
        element("p", ["class": "notice"]) { remark }
      }
      element("div", ["class": "tiles", "id": "key-figures"]) { tiles() }
    }
  }

  // MARK: State

  private var finished: Int { (record.epochs.last?.epoch).map { $0 + 1 } ?? 0 }

  /// The class of the state, its words and what else there is to say.
  private func state() -> (name: String, words: String, explanation: String?) {
    let ofAll = "\(NumberText.count(finished)) of \(NumberText.count(record.plan.epochs, "epoch"))"
    guard let ending = record.ending else {
      let words = finished < record.plan.epochs ? "Running: epoch \(finished + 1)/\(record.plan.epochs)" : "Finishing"
      return ("running", words, remaining)
    }
    switch ending.kind {
    case .completed: return ("completed", "Finished", "all \(NumberText.count(record.plan.epochs, "epoch")) done")
    case .interrupted: return ("stopped", "Interrupted", "\(ofAll) done")
    case .stopped: return ("stopped", "Stopped after \(NumberText.count(finished, "epoch"))", ending.text)
    case .failed: return ("failed", "Failed", ending.text)
    }
  }

  private var remaining: String? {
    guard let mean = Self.meanEpochSeconds(record), finished < record.plan.epochs else { return nil }
    return "about \(NumberText.duration(mean * Double(record.plan.epochs - finished))) left"
  }

  private var updateText: String {
    let time = "Updated \(updated.formatted(.iso8601.dateTimeSeparator(.space)).replacing("Z", with: " UTC"))."
    return record.ending == nil
      ? "\(time) The page loads itself anew every \(Self.refreshSeconds(record)) s while the training runs." : time
  }

  private func progress() -> Markup? {
    guard record.ending == nil, record.plan.epochs > 0 else { return nil }
    let share = min(1, Double(finished) / Double(record.plan.epochs))
    return element(
      "svg",
      [
        "class": "progress", "width": "100%", "height": "6", "role": "img",
        "aria-label": "\(finished) of \(record.plan.epochs) epochs done",
      ]
    ) {
      element("rect", ["class": "track", "width": "100%", "height": "6", "rx": "3"])
      if share > 0 { element("rect", ["class": "done", "width": NumberText.place(share), "height": "6", "rx": "3"]) }
    }
  }

  // MARK: Key figures

  private func tiles() -> [Markup] {
    let speeds = record.epochs.map(\.imagesPerSecond).filter(\.isFinite).sorted()
    let seconds = record.epochs.map(\.seconds).filter(\.isFinite).reduce(0, +)
    return [
      exactMatchTile(),
      tile(
        "Best validation loss", record.bestValidationLoss.map { NumberText.plain($0.value) },
        record.bestValidationLoss.map { "in epoch \($0.epoch + 1)" }),
      tile("Epochs", NumberText.count(finished), "of \(NumberText.count(record.plan.epochs))"),
      tile("Time", record.epochs.isEmpty ? nil : NumberText.duration(seconds), "validation included"),
      tile(
        "Speed", speeds.isEmpty ? nil : NumberText.speed(speeds[speeds.count / 2]), "images per second in training"),
      tile(
        "Images", NumberText.count(record.plan.trainingSamples),
        "and \(NumberText.count(record.plan.validationSamples)) to validate"),
    ]
  }

  private func exactMatchTile() -> Markup {
    let best = record.bestExactMatch
    return tile(
      "Best exact match", best.map { NumberText.percent($0.value) },
      best.map { best in
        let count = record.plan.validationSamples
        guard count > 0, (0...1).contains(best.value) else { return "in epoch \(best.epoch + 1)" }
        let interval = wilsonInterval(right: Int((best.value * Double(count)).rounded()), of: count)
        return "95 %: \(NumberText.percent(interval.lowerBound)) to \(NumberText.percent(interval.upperBound)), "
          + "in epoch \(best.epoch + 1)"
      }, isMain: true)
  }

  private func tile(_ name: String, _ value: String?, _ remark: String?, isMain: Bool = false) -> Markup {
    element("div", ["class": isMain ? "tile main" : "tile"]) {
      element("span", ["class": "name"]) { name }
      element("span", ["class": "value"]) { value ?? "–" }
      element("span", ["class": "remark"]) { (value == nil ? nil : remark) ?? "not known yet" }
    }
  }
}
