import Foundation

/// The whole page of a training: one file that needs nothing else, neither scripts nor the network.
struct ReportPage {
  let title: String
  /// As YAML.
  let configuration: String
  /// What it runs on, in order.
  let facts: [(name: String, value: String)]
  let record: TrainingRecord
  /// What the reader should know about the page itself.
  let remarks: [String]
  /// When the page is written.
  let updated: Date

  /// The page as HTML in UTF-8.
  ///
  /// - Throws: what encoding the record as JSON throws.
  func html() throws -> Foundation.Data {
    var writer = MarkupWriter()
    writer.write(.verbatim("<!DOCTYPE html>\n"))
    let data = try EmbeddedRecord.markup(record)
    writer.write(
      element("html", ["lang": "en"]) {
        head()
        element("body") {
          element("main") { content() }
          data
        }
      })
    return Foundation.Data(writer.bytes)
  }

  private func head() -> Markup {
    element("head") {
      element("meta", ["charset": "utf-8"])
      // Whatever a text may smuggle in: no script runs and nothing is loaded.
      element(
        "meta",
        [
          "http-equiv": "Content-Security-Policy",
          "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        ])
      element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      element("meta", ["name": "color-scheme", "content": "light dark"])
      if record.ending == nil {
        element("meta", ["http-equiv": "refresh", "content": "\(Headline.refreshSeconds(record))"])
      }
      element("title") { title }
      element("style") { Markup.verbatim(PageStyle.sheet) }
    }
  }

  private func content() -> [Markup] {
    let top = [
      Headline(title: title, record: record, updated: updated, remarks: remarks).markup(),
      CurveSection(record: record).markup(),
    ]
    let validation = record.validation.map { ValidationSection(validation: $0).markup() } ?? []
    return top + validation + [
      HistorySection(record: record).markup(),
      SettingsSection(configuration: configuration, facts: facts).markup(),
    ]
  }
}
