import Data
import Foundation
import Training

/// A file that an earlier call of the program may have written.
struct RecordedFile {
  let url: URL

  init(_ url: URL) { self.url = url }

  /// What errors call it.
  var path: String { RunDirectory(url).displayPath }

  /// Whether there is anything, be it a link to nothing or what nobody may look into.
  var isThere: Bool {
    // Unlike `fileExists`, this does not follow links, and tells what is not there from what can't be seen.
    var status = stat()
    return lstat(url.path, &status) == 0 || ![ENOENT, ENOTDIR].contains(errno)
  }

  /// The file's text, without a byte order mark; nil where there is none.
  ///
  /// - Throws: `TrainingError` for what is no readable file of UTF-8 text; a pipe is not waited for.
  func text() throws -> String? {
    guard isThere else { return nil }
    do {
      return try TextLines.text(of: url.path)
    } catch DatasetError.unreadableList(_, let reason) {
      throw TrainingError("\(path): can't be read as text (\(reason)); restore or remove it, or check its permissions")
    }
  }

  /// The one JSON object that the file holds; nil where there is no file.
  ///
  /// - Throws: `TrainingError`, as for the text.
  func json() throws -> RecordedJSON? { try text().map { RecordedJSON(text: $0, file: path) } }
}
