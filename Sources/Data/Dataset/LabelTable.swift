import SwiftCSV

extension LabelList {
  /// Reads a table whose first row names the columns.
  ///
  /// Fields may be quoted as RFC 4180 says and rows end with either line end; blank rows are passed over. Rows are counted
  /// from 1, the names of the columns.
  /// - Throws: `DatasetError.unreadableList`, also for quotation marks out of place, after which no row could be trusted.
  mutating func readTable(of path: String, delimiter: CSVDelimiter) throws {
    let text = try TextLines.text(of: path)
    if text.allSatisfy(\.isWhitespace) { return }
    // The package takes all that follows for one field, and says nothing.
    if text.utf8.count(where: { $0 == UInt8(ascii: "\"") }) % 2 != 0 {
      throw DatasetError.unreadableList(file: path, reason: "a quotation mark is not closed")
    }
    var columns: LabelColumns?
    var fault: String?
    var row = 0
    var entries: [(LabelListEntry, Int)] = []
    do {
      let table = try EnumeratedCSV(string: text, delimiter: delimiter, loadColumns: false, rowLimit: 0)
      try table.enumerateAsArray(startAt: 0, rowLimit: nil) { fields in
        row += 1
        // The package goes on to the end of the file.
        if fault != nil || fields.allSatisfy(\.isEmpty) { return }
        guard let columns else {
          do throws(LabelColumns.Fault) {
            columns = try LabelColumns(header: fields)
          } catch {
            fault = "row \(row): \(error.reason)"
          }
          return
        }
        entries.append((columns.entry(of: fields), row))
      }
    } catch {
      fault = fault ?? "row \(row + 1) has a quotation mark in the wrong place"
    }
    if let fault { throw DatasetError.unreadableList(file: path, reason: fault) }
    for (entry, row) in entries { add(entry, number: row) }
  }
}

/// Which columns of a table hold what.
private struct LabelColumns {
  struct Fault: Error {
    let reason: String
  }

  private let count: Int
  private let file: Int
  private let label: Int
  private let type: Int?
  private let text: Int?
  private let style: Int?

  init(header: [String]) throws(Fault) {
    let names = header.map { $0.lowercased().filter { !$0.isWhitespace } }
    func column(_ name: String) throws(Fault) -> Int? {
      guard let first = names.firstIndex(of: name) else { return nil }
      if names.lastIndex(of: name) != first { throw Fault(reason: "there are several columns \"\(name)\"") }
      return first
    }
    func required(_ name: String) throws(Fault) -> Int {
      guard let column = try column(name) else {
        throw Fault(reason: "there is no column \"\(name)\", and this row must name the columns \"file\" and \"label\"")
      }
      return column
    }
    count = names.count
    file = try required("file")
    label = try required("label")
    type = try column("type")
    text = try column("text")
    style = try column("style")
  }

  func entry(of fields: [String]) -> LabelListEntry {
    // An unquoted delimiter in a field would shift all that follow.
    if fields.count > count { return .wrong("has \(fields.count) fields for \(count) columns") }
    guard file < fields.count else { return .wrong("has no \"file\"") }
    guard label < fields.count else { return .wrong("has no \"label\"") }
    func optional(_ column: Int?) -> String? {
      guard let column, column < fields.count, !fields[column].isEmpty else { return nil }
      return fields[column]
    }
    return LabelListEntry(
      file: fields[file], label: fields[label], type: optional(type), text: optional(text), style: optional(style))
  }
}
