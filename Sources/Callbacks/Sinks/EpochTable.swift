import Foundation
import Tensor

/// A table that grows by a row per epoch, as Keras's `CSVLogger` writes it: the column `epoch` (from 0) and others, `NA`
/// where an epoch lacks one, CRLF line ends.
final class EpochTable {
  private static let lineEnd = "\r\n"

  private let url: URL
  private var file: GrowingFile?
  /// Those beside `epoch`; empty before there is a header.
  private(set) var columns: [String] = []

  init(_ url: URL) { self.url = url }

  /// Begins the table anew, or goes on with an earlier one.
  ///
  /// - Parameter isKept: tells by its cells, by column, whether a row of an earlier table stays; nil where none does.
  /// - Returns: the cells of the last row that stayed.
  @discardableResult
  func begin(keeping isKept: (([String: String]) -> Bool)?) throws -> [String: String]? {
    columns = []
    var last: [String: String]?
    do {
      var kept = ""
      if let isKept, FileManager.default.fileExists(atPath: url.path) {
        let text = try String(contentsOf: url, encoding: .utf8)
        // A row without its end was cut off by a crash. Editors may have changed the line ends.
        let whole = text.replacing(Self.lineEnd, with: "\n").components(separatedBy: "\n").dropLast()
        if let header = whole.first, !header.hasPrefix("epoch,") {
          // Not ours, or without its header: nothing is lost, and what comes gets a header.
          try setAside()
        } else if let header = whole.first {
          let names = header.components(separatedBy: ",")
          columns = Array(names.dropFirst())
          kept = header + Self.lineEnd
          for row in whole.dropFirst() {
            let cells = Dictionary(zip(names, row.components(separatedBy: ","))) { first, _ in first }
            guard isKept(cells) else { continue }
            kept += row + Self.lineEnd
            last = cells
          }
        }
      }
      try AtomicFile.write(to: url) { try $0.write(contentsOf: Foundation.Data(kept.utf8)) }
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
    file = try GrowingFile(appendingTo: url)
    return last
  }

  /// Writes the header, where there is none yet.
  func setColumns(_ names: [String]) throws {
    columns = names
    try write(["epoch"] + names)
  }

  /// Writes a row.
  ///
  /// - Parameter cell: what stands in a column; nil for nothing.
  func append(epoch: Int, cell: (_ column: String) -> String?) throws {
    try write(["\(epoch)"] + columns.map { cell($0) ?? "NA" })
  }

  private func write(_ cells: [String]) throws { try file?.write(cells.joined(separator: ",") + Self.lineEnd) }

  /// Gives a file that can't be gone on with another name.
  private func setAside() throws {
    var name = url.appendingPathExtension("old")
    var number = 2
    while FileManager.default.fileExists(atPath: name.path) {
      name = url.appendingPathExtension("old-\(number)")
      number += 1
    }
    try FileManager.default.moveItem(at: url, to: name)
  }
}

extension Double {
  /// As a cell of a table: `nan` whatever its sign is.
  var cell: String { isNaN ? "nan" : "\(self)" }
}
