import Foundation

/// Why a listed image file is left out.
enum ImageFailure: Error {
  /// The list names a file that is not there.
  case missingFile
  /// This machine lacks the library for its format; the image is not to blame.
  case missingLibrary(reason: String)
  /// It can't be read or decoded.
  case unreadable(reason: String)

  /// - Parameters:
  ///   - error: what reading threw.
  ///   - path: of the file.
  init(_ error: any Error, path: String) {
    guard let error = error as? ImageError else {
      self = .unreadable(reason: "\(error)")
      return
    }
    switch error {
    case .unreadable where !FileManager.default.fileExists(atPath: path): self = .missingFile
    case .missingLibrary: self = .missingLibrary(reason: "\(error.reason); \(error.remedy)")
    default: self = .unreadable(reason: error.reason)
    }
  }

  var reason: String {
    switch self {
    case .missingFile: "listed but missing"
    case .missingLibrary(let reason), .unreadable(let reason): reason
    }
  }
}
