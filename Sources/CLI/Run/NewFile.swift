import ArgumentParser
import Foundation
import Models

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
  func requireAbsent() throws {
    // Unlike `fileExists`, this does not follow links.
    guard (try? FileManager.default.attributesOfItem(atPath: path)) == nil else {
      throw ModelError("--output: \(path) is there already; give another name or remove it")
    }
  }
}
