import Data
import Foundation

/// The image files of a folder.
enum ImageFiles {
  /// The paths of the PNG files in the folder at `path`, without hidden files and subfolders, in the order of their names.
  ///
  /// - Throws: `DatasetError` where there is no such folder or no image in it.
  static func list(_ path: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw DatasetError.missingFolder(path: path)
    }
    guard isDirectory.boolValue else { throw DatasetError.notAFolder(path: path) }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw DatasetError.unreadableFolder(path: path, reason: error.localizedDescription)
    }
    let images = names.filter { !$0.hasPrefix(".") && $0.lowercased().hasSuffix(".png") }.sorted()
    if images.isEmpty { throw DatasetError.noImages(path: path) }
    return images.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
  }
}
