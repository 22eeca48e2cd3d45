import Foundation

/// Why an image file could not be read or written; every case names the file.
public enum ImageError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// The file can't be opened or read.
  case unreadable(file: String, reason: String)
  /// The file has no bytes.
  case empty(file: String)
  /// The file has more bytes than allowed.
  case fileTooLarge(file: String, bytes: Int, maximum: Int)
  /// The file is of none of the formats of `ImageFormat` but of another kind, named in `kind` if it is known.
  case unknownFormat(file: String, kind: String?)
  /// The library that reads images of this format is not installed.
  case missingLibrary(file: String, format: ImageFormat, reason: String)
  /// The image has more columns or rows than allowed.
  case tooLarge(file: String, width: Int, height: Int, maximumWidth: Int, maximumHeight: Int)
  /// The file is damaged or ends early.
  case corrupt(file: String, format: ImageFormat, reason: String)
  /// The file can't be written.
  case unwritable(file: String, reason: String)

  /// The path of the file, as it was given.
  public var file: String {
    switch self {
    case .unreadable(let file, _), .empty(let file), .fileTooLarge(let file, _, _), .unknownFormat(let file, _),
      .missingLibrary(let file, _, _), .tooLarge(let file, _, _, _, _), .corrupt(let file, _, _),
      .unwritable(let file, _):
      return file
    }
  }

  /// What is wrong, without the file's name.
  public var reason: String {
    switch self {
    case .unreadable(_, let reason): return "can't be read: \(reason)"
    case .empty: return "the file is empty"
    case .fileTooLarge(_, let bytes, let maximum):
      return "the file has \(bytes) bytes, more than the limit of \(maximum)"
    case .unknownFormat(_, let kind): return "not a PNG, JPEG, GIF or BMP image" + (kind.map { " but \($0)" } ?? "")
    case .missingLibrary(_, let format, let reason): return "a \(format.displayName) image can't be read: \(reason)"
    case .tooLarge(_, let width, let height, let maximumWidth, let maximumHeight):
      return "the image is \(width)×\(height) pixels, more than the limit of \(maximumWidth)×\(maximumHeight)"
    case .corrupt(_, let format, let reason): return "damaged \(format.displayName) image: \(reason)"
    case .unwritable(_, let reason): return "can't be written: \(reason)"
    }
  }

  /// What the user can do about it.
  public var remedy: String {
    switch self {
    case .unreadable: return "check the path and its permissions"
    case .empty, .corrupt: return "fetch or draw the image again"
    case .fileTooLarge, .tooLarge: return "make the image smaller"
    case .unknownFormat: return "convert the image to PNG"
    case .missingLibrary: return "install libgdk-pixbuf-2.0-0 or convert the image to PNG"
    case .unwritable: return "check the folder, its permissions and the free space"
    }
  }

  public var description: String { "\(file.visible): \(reason); \(remedy)" }
  public var errorDescription: String? { description }
}

/// The largest images that are read; anything larger is refused before memory is taken for it.
public struct ImageLimits: Sendable, Equatable {
  /// The most columns.
  public var maximumWidth: Int
  /// The most rows.
  public var maximumHeight: Int
  /// The most bytes of the file.
  public var maximumFileSize: Int

  public init(maximumWidth: Int = 4096, maximumHeight: Int = 4096, maximumFileSize: Int = 64 << 20) {
    self.maximumWidth = maximumWidth
    self.maximumHeight = maximumHeight
    self.maximumFileSize = maximumFileSize
  }

  /// Refuses files without bytes and with more of them than allowed.
  func check(_ bytes: [UInt8], named name: String) throws {
    if bytes.isEmpty { throw ImageError.empty(file: name) }
    if bytes.count > maximumFileSize {
      throw ImageError.fileTooLarge(file: name, bytes: bytes.count, maximum: maximumFileSize)
    }
  }
}
