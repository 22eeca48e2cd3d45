import ArgumentParser
import Foundation
import Models
import Tensor

/// The path of a file that a command is to make, and that must not be there yet.
struct NewFile: ExpressibleByArgument {
  let path: String

  /// nil for a path of nothing but spaces.
  init?(argument: String) {
    guard argument.contains(where: { !$0.isWhitespace }) else { return nil }
    path = argument
  }

  var url: URL { URL(fileURLWithPath: path) }

  /// - Throws: an error that names the option where something is there already, be it a link to nothing.
  func requireAbsent(option: String = "--output") throws {
    // Unlike `fileExists`, this does not follow links.
    guard (try? FileManager.default.attributesOfItem(atPath: path)) == nil else { throw isThereAlready(option: option) }
  }

  /// Writes the whole file or nothing, unless something has come to be there since it was looked for.
  ///
  /// - Throws: an error that names the option and the file.
  func write(_ content: Foundation.Data, option: String = "--output") throws {
    do {
      try AtomicFile.write(to: url, replaces: false) { try $0.write(contentsOf: content) }
    } catch let error as POSIXError where error.code == .EEXIST {
      throw isThereAlready(option: option)
    } catch {
      throw ModelError(
        "\(option): \(path) can't be written (\(error.localizedDescription)); check the folder and the free space")
    }
  }

  private func isThereAlready(option: String) -> ModelError {
    ModelError("\(option): \(path) is there already; give another name or remove it")
  }

  /// Makes the file's folder, unless the one above that is not there either.
  ///
  /// - Throws: an error that names the option and the folder.
  func makeFolder(option: String) throws {
    let folder = url.deletingLastPathComponent()
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: folder.path, isDirectory: &isDirectory) {
      guard isDirectory.boolValue else {
        throw ModelError("\(option): the folder of \(path) is a file; check the path")
      }
      return
    }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    } catch {
      throw ModelError("\(option): the folder of \(path) can't be made; check the path, or make the folder first")
    }
  }
}
