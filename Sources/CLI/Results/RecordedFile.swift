import Data
import Foundation
import Training

/// A file that the program may have left in the folder of a run.
struct RecordedFile {
  let url: URL

  init(_ url: URL) { self.url = url }

  /// What errors call it.
  var path: String { RunDirectory(url).displayPath }

  /// Far more than any record has.
  private static let maximumBytes = 1 << 28

  /// Whether there is anything, be it a link to nothing or what nobody may look into.
  var isThere: Bool {
    // Unlike `fileExists`, this does not follow links, and tells what is not there from what can't be seen.
    var status = stat()
    return lstat(url.path, &status) == 0 || ![ENOENT, ENOTDIR].contains(errno)
  }

  /// The file's text; nil where there is none.
  ///
  /// - Throws: `TrainingError` for what is no readable file of UTF-8 text; a pipe is not waited for.
  func text() throws -> String? {
    guard isThere else { return nil }
    let bytes: [UInt8]
    do {
      bytes = try RegularFile(url.path).bytes(maximum: Self.maximumBytes)
    } catch let error as ImageError {
      guard case .unreadable(_, let reason) = error else { throw fault(error.reason) }
      throw fault(reason)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw fault("it is not UTF-8") }
    return text
  }

  private func fault(_ reason: String) -> TrainingError {
    TrainingError("\(path): can't be read as text (\(reason)); restore or remove it")
  }

  /// The one JSON object that the file holds; nil where there is no file.
  func json() throws -> RecordedJSON? { try text().map { RecordedJSON(text: $0, file: path) } }

  /// The names of a folder's JSON files in their order; none where there is no folder.
  ///
  /// - Parameter content: what the folder is for, such as `evaluations`.
  func jsonNames(of content: String) throws -> [String] {
    guard isThere else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: url.path)
        .filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
    } catch {
      throw TrainingError(
        "\(path): can't be read as a folder of \(content) (\(error.localizedDescription)); restore or remove it")
    }
  }
}
