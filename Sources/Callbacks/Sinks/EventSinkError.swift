import Foundation

/// Why an event sink can't write, in one line that names the file and the remedy.
public struct EventSinkError: Error, CustomStringConvertible, LocalizedError {
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String {
    "\(file): can't be written (\(reason)); check the folder's permissions and the free space"
  }
  public var errorDescription: String? { description }
}

/// A text file that grows line by line; every line is on its way to the disk when the call returns.
public struct GrowingFile {
  /// The file.
  public let url: URL
  private let handle: FileHandle

  /// Opens a file for appending, and makes it where there is none.
  ///
  /// - Throws: `EventSinkError`.
  public init(appendingTo url: URL) throws {
    self.url = url
    do {
      if !FileManager.default.fileExists(atPath: url.path) {
        try Foundation.Data().write(to: url, options: .withoutOverwriting)
      }
      handle = try FileHandle(forWritingTo: url)
      try handle.seekToEnd()
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
  }

  /// Writes at the end.
  ///
  /// - Throws: `EventSinkError`.
  public func write(_ text: String) throws {
    do {
      try handle.write(contentsOf: Foundation.Data(text.utf8))
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
  }
}
