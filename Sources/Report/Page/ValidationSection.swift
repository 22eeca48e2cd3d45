import Callbacks

/// What the model reads right and wrong, on the validation part after one epoch.
struct ValidationSection {
  let validation: ValidationRecord

  private static let shownConfusions = 20

  private var report: EvaluationReport { validation.report }

  func markup() -> [Markup] { [accuracy(), confusions(), MisreadSection(validation: validation).markup()] }

  // MARK: Accuracy

  private func accuracy() -> Markup {
    element("section", ["id": "accuracy"]) {
      element("h2") { "Accuracy after epoch \(validation.epoch + 1)" }
      element("p", ["class": "lead"]) { lead }
      element("div", ["class": "charts"]) {
        BarChart(identifier: "by-type", title: "Exact match by type", bars: bars(report.byType) { $0 < $1 }).markup()
        BarChart(
          identifier: "by-length", title: "Exact match by label length",
          bars: bars(report.byLength) { (Int($0) ?? .max, $0) < (Int($1) ?? .max, $1) }
        ).markup()
        BarChart(identifier: "by-position", title: "Right at each position, ends of texts included", bars: positions)
          .markup()
      }
      element("p", ["class": "remark"]) {
        "Bars reach from 0 to 100 %; the thin line is the interval in which the true share lies with 95 % confidence."
      }
    }
  }

  private var lead: String {
    let interval = report.exactMatchInterval.map { NumberText.percent($0) }.joined(separator: " to ")
    let inexpressible =
      report.inexpressible > 0
      ? " The model cannot say \(NumberText.count(report.inexpressible, "label")) of them, which count as read wrong."
      : ""
    return "\(NumberText.percent(report.exactMatch)) of \(NumberText.count(report.count, "validation image")) are read "
      + "right as a whole (95 %: \(interval)), \(NumberText.percent(report.characterAccuracy)) of their characters."
      + inexpressible
  }

  private func bars(_ shares: [String: EvaluationReport.Share], by isBefore: (String, String) -> Bool) -> [BarChart.Bar]
  {
    shares.sorted { isBefore($0.key, $1.key) }.map { bar($0.key, $0.value.exactMatch, $0.value.count) }
  }

  private var positions: [BarChart.Bar] {
    report.perPosition.enumerated().map { bar("\($0 + 1)", $1, report.count) }
  }

  private func bar(_ name: String, _ share: Double, _ count: Int) -> BarChart.Bar {
    let right = (0...1).contains(share) ? Int((share * Double(count)).rounded()) : 0
    return BarChart.Bar(name: name, share: share, count: count, interval: wilsonInterval(right: right, of: count))
  }

  // MARK: Confusions

  private func confusions() -> Markup {
    let map = HeatMap(validation.confusionMatrix)
    return element("section", ["id": "confusions"]) {
      element("h2") { "Confusions after epoch \(validation.epoch + 1)" }
      element("div", ["class": map.hasMany && map.errorCount > 0 ? "stacked" : "beside"]) {
        map.markup()
        table()
      }
    }
  }

  private func table() -> Markup {
    element("div", ["class": "card", "id": "frequent-confusions"]) {
      element("h3") { "The most frequent" }
      if report.confusions.isEmpty {
        element("p", ["class": "remark"]) { "None." }
      } else {
        element("div", ["class": "scroll"]) {
          element("table", ["class": "numbers"]) {
            element("thead") {
              element("tr") {
                for title in ["label", "read", "count", "of all"] { element("th", ["scope": "col"]) { title } }
              }
            }
            element("tbody") {
              for confusion in report.confusions.prefix(Self.shownConfusions) { row(confusion) }
            }
          }
        }
      }
    }
  }

  private func row(_ confusion: EvaluationReport.Confusion) -> Markup {
    element("tr") {
      for character in [confusion.true, confusion.predicted] {
        element("td") {
          if character.isEmpty {
            element("span", ["class": "nothing"]) { "nothing" }
          } else {
            element("code") { element("bdi") { character } }
          }
        }
      }
      element("td") { NumberText.count(confusion.count) }
      element("td") { share(confusion) }
    }
  }

  /// How large a part of the label's character it is.
  private func share(_ confusion: EvaluationReport.Confusion) -> String {
    let matrix = validation.confusionMatrix
    guard let row = matrix.characters.firstIndex(of: confusion.true) else { return "–" }
    let total = matrix.counts[row].reduce(0, +)
    return total >= confusion.count && total > 0
      ? NumberText.percent(Double(confusion.count) / Double(total), digits: 1) : "–"
  }
}
