import Foundation

/// What lies in a folder of images.
public struct ImageFolder {
  public let path: String
  /// Everything in it, in no order.
  let names: [String]
  /// The image files by their extensions, without hidden ones, in the order of their names.
  let imageNames: [String]

  /// - Throws: `DatasetError` where there is no such folder or it cannot be read.
  public init(_ path: String) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw DatasetError.missingFolder(path: path)
    }
    guard isDirectory.boolValue else { throw DatasetError.notAFolder(path: path) }
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw DatasetError.unreadableFolder(path: path, reason: (error as NSError).localizedDescription)
    }
    self.path = path
    imageNames = names.filter { !$0.hasPrefix(".") && ImageFormat.isImageName($0) }
      .sorted { $0.precedes($1) }
  }

  /// The paths of the images; at least one.
  ///
  /// - Throws: `DatasetError` where there is none.
  public func imagePaths() throws -> [String] {
    if imageNames.isEmpty { throw DatasetError.noImages(path: path) }
    return imageNames.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
  }
}
