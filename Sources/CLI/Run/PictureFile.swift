import Data
import Foundation

/// A PNG file that a command writes for its user.
enum PictureFile {
  /// Refuses to replace a file, or to write where there is no folder.
  static func requireNew(_ path: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      throw ImageError.unwritable(file: path, reason: "it exists already and is not replaced; give another name")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    if !FileManager.default.isWritableFile(atPath: folder) {
      throw ImageError.unwritable(file: path, reason: "there is no folder \(folder) to write to")
    }
  }
}
