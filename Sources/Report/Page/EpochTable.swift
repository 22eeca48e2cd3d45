import Callbacks

/// The numbers behind the curves, for those who want to read them or cannot see curves.
struct EpochTable {
  let record: TrainingRecord

  private static let columns: [(title: String, key: MetricKey, isShare: Bool)] = [
    ("loss", .loss, false), ("val_loss", .valLoss, false), ("exact_match", .exactMatch, true),
    ("val_exact_match", .valExactMatch, true), ("val_character_accuracy", .valCharacterAccuracy, true),
  ]

  func markup() -> Markup {
    let columns = Self.columns.filter { column in record.values(of: column.key).contains { $0 != nil } }
    let best = [MetricKey.valLoss: record.bestValidationLoss?.epoch, .valExactMatch: record.bestExactMatch?.epoch]
    return element("details", ["class": "card", "id": "epochs"]) {
      element("summary") { "All epochs as a table" }
      element("div", ["class": "scroll"]) {
        element("table", ["class": "numbers"]) {
          element("thead") {
            element("tr") {
              for title in ["epoch"] + columns.map(\.title) + ["rate", "time", "images/s"] {
                element("th", ["scope": "col"]) { title }
              }
            }
          }
          element("tbody") {
            for epoch in record.epochs {
              element("tr") {
                element("th", ["scope": "row"]) { "\(epoch.epoch + 1)" }
                for column in columns {
                  let isBest = best[column.key] == epoch.epoch
                  element("td", ["class": isBest ? "best" : nil]) { text(epoch, column.key, isShare: column.isShare) }
                }
                element("td") { NumberText.rate(epoch.learningRate) }
                element("td") { NumberText.duration(epoch.seconds) }
                element("td") { NumberText.speed(epoch.imagesPerSecond) }
              }
            }
          }
        }
      }
    }
  }

  private func text(_ epoch: TrainingRecord.Epoch, _ key: MetricKey, isShare: Bool) -> String {
    guard let value = epoch.metrics[key.rawValue] else { return "–" }
    return isShare ? NumberText.percent(value) : NumberText.plain(value)
  }
}
