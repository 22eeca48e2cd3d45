import Callbacks

/// Loss, exact match and learning rate over the epochs.
struct CurveSection {
  let record: TrainingRecord

  /// A loss that spans more than this ratio is drawn on a logarithmic axis.
  private static let logarithmicLoss = 30.0
  private static let logarithmicRate = 10.0

  private var epochs: [Int] { record.epochs.map(\.epoch) }

  func markup() -> Markup {
    element("section", ["id": "curves"]) {
      element("h2") { "Curves" }
      if record.epochs.isEmpty {
        element("p", ["class": "remark"]) { "The curves begin when the first epoch is done." }
      } else {
        element("div", ["class": "charts"]) {
          lossChart().markup()
          exactMatchChart().markup()
          rateChart().markup()
        }
        EpochTable(record: record).markup()
      }
    }
  }

  // MARK: Loss

  private func lossChart() -> LineChart {
    let series = [
      series("training", .loss, style: "training"), series("validation", .valLoss, style: "validation"),
    ].compactMap(\.self)
    let axis = Axis.fitting(series.flatMap { $0.values.compactMap(\.self) }, logarithmicAbove: Self.logarithmicLoss)
    return LineChart(
      identifier: "loss", title: "Loss", epochs: epochs, series: series, axis: axis, format: NumberText.plain,
      marks: best(record.bestValidationLoss, axis, "smallest validation loss", NumberText.plain))
  }

  // MARK: Exact match

  private func exactMatchChart() -> LineChart {
    let series = [
      series("training", .exactMatch, style: "training"), series("validation", .valExactMatch, style: "validation"),
      series("validation, characters", .valCharacterAccuracy, style: "characters"),
    ].compactMap(\.self)
    let axis = Axis.fitting(series.flatMap { $0.values.compactMap(\.self) }, limits: 0...1)
    let step = axis.ticks.count > 1 ? axis.ticks[1] - axis.ticks[0] : 1
    return LineChart(
      identifier: "exact-match", title: "Exact match", epochs: epochs, series: series, axis: axis,
      format: { NumberText.percent($0) },
      tickLabel: { NumberText.tick(100 * $0, step: 100 * step) + "\u{A0}%" },
      marks: best(record.bestExactMatch, axis, "best validation exact match") { NumberText.percent($0) })
  }

  // MARK: Learning rate

  private func rateChart() -> LineChart {
    let rates = record.epochs.map { Optional($0.learningRate) }
    let axis = Axis.fitting(rates.compactMap(\.self), logarithmicAbove: Self.logarithmicRate)
    return LineChart(
      identifier: "learning-rate", title: "Learning rate", epochs: epochs,
      series: [LineChart.Series(name: "rate of the epoch’s last update", style: "rate", values: rates)], axis: axis,
      format: NumberText.rate, marks: savedMarks() + loweredMarks() + stopMark())
  }

  private func loweredMarks() -> [ChartMark] {
    let lowered = record.loweredRates.filter { epochs.contains($0.epoch) }
    let names = Set(lowered.map(\.callback)).sorted().joined(separator: ", ")
    return lowered.map { change in
      ChartMark(
        kind: .lowered, epoch: change.epoch, label: factor(change),
        description:
          "\(change.callback) lowered the rate from \(NumberText.rate(change.earlier)) to \(NumberText.rate(change.later))",
        legend: "lowered by \(names)")
    }
  }

  /// `×0.5`
  private func factor(_ change: TrainingRecord.LoweredRate) -> String? {
    guard change.earlier > 0, change.later >= 0 else { return nil }
    let factor = change.later / change.earlier
    return factor.isFinite ? "×" + NumberText.factor(factor) : nil
  }

  /// One for an epoch, however many models were saved after it.
  private func savedMarks() -> [ChartMark] {
    let byEpoch = Dictionary(grouping: record.savedModels, by: \.epoch)
    return epochs.compactMap { epoch in
      guard let models = byEpoch[epoch] else { return nil }
      return ChartMark(
        kind: .saved, epoch: epoch, description: "saved " + models.map(\.phrase).joined(separator: ", "),
        legend: "model saved")
    }
  }

  private func stopMark() -> [ChartMark] {
    guard let ending = record.ending, ending.kind != .completed, let last = epochs.last else { return [] }
    let word: String
    switch ending.kind {
    case .failed: word = "failed"
    case .interrupted: word = "interrupted"
    case .stopped, .completed: word = "stopped"
    }
    return [
      ChartMark(
        kind: .stopped, epoch: last, label: word,
        description: ending.kind == .interrupted ? word : "\(word): \(ending.text)", legend: word)
    ]
  }

  // MARK: Parts

  /// Nil where no epoch has the metric.
  private func series(_ name: String, _ key: MetricKey, style: String) -> LineChart.Series? {
    let values = record.values(of: key)
    return values.contains { $0 != nil } ? LineChart.Series(name: name, style: style, values: values) : nil
  }

  private func best(
    _ best: TrainingRecord.Value?, _ axis: Axis, _ meaning: String, _ format: (Double) -> String
  ) -> [ChartMark] {
    guard let best, Axis.isDrawable(best.value), !axis.isLogarithmic || best.value > 0 else { return [] }
    return [
      ChartMark(
        kind: .best, epoch: best.epoch, height: axis.position(best.value),
        description: "\(meaning): \(format(best.value))",
        legend: "\(format(best.value)) in epoch \(best.epoch + 1)")
    ]
  }
}

extension TrainingRecord.SavedModel {
  /// `best-val-loss (val_loss 0.1234)`
  var phrase: String {
    guard let metric, let value else { return name }
    return "\(name) (\(metric) \(NumberText.plain(value)))"
  }
}
