import Foundation

/// Finds the files of the fonts that a configuration names.
enum FontFiles {
  /// The endings of a folder's files that are taken for fonts.
  static let extensions = ["otf", "otc", "ttf", "ttc"]

  /// The files of `paths`, with the fonts of a folder, sorted by name, in its place; each file once.
  ///
  /// - Throws: ``GeneratorError/unreadableFont(path:reason:)`` for a path where nothing is, or a folder without fonts.
  static func expand(_ paths: [String]) throws(GeneratorError) -> [String] {
    var files: [String] = []
    for path in paths { files += try expand(path) }
    var seen = Set<String>()
    return files.filter { seen.insert(URL(fileURLWithPath: $0).standardizedFileURL.path).inserted }
  }

  private static func expand(_ path: String) throws(GeneratorError) -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .unreadableFont(path: path, reason: "no such file")
    }
    if !isDirectory.boolValue {
      // A pipe would be waited for.
      let type =
        (try? FileManager.default.attributesOfItem(atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path))?[
          .type]
      guard type as? FileAttributeType == .typeRegular else {
        throw .unreadableFont(path: path, reason: "not a regular file")
      }
      return [path]
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw .unreadableFont(path: path, reason: error.localizedDescription)
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    let fonts = names.filter { extensions.contains(URL(fileURLWithPath: $0).pathExtension.lowercased()) }
    if fonts.isEmpty { throw .unreadableFont(path: path, reason: "the folder holds no .ttf, .ttc, .otf or .otc files") }
    return fonts.sorted().map { folder + $0 }
  }
}
