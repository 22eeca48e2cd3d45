import Foundation
import Tensor
import Training

extension RunDirectory {
  /// Where runs go that were given no folder.
  private static let parent = "runs"

  /// The folder for a new run: the given one, which must not hold a run already, or the next free `runs/N`.
  static func forNewRun(_ path: String?) throws -> RunDirectory {
    guard let path else {
      return RunDirectory(URL(fileURLWithPath: "\(parent)/\((numbers().max() ?? 0) + 1)"))
    }
    if path.isEmpty { throw TrainingError("--run is empty; give the path of a folder") }
    let directory = RunDirectory(URL(fileURLWithPath: path))
    if directory.isUsed {
      let isResumable = FileManager.default.fileExists(atPath: directory.resumeState.path)
      throw TrainingError(
        isResumable
          ? "\(path): holds a run; go on with it by --resume, or give another --run"
          : "\(path): holds files of a run that ended before its first epoch, or that one would overwrite or take for its "
            + "own; remove the folder, or give another --run")
    }
    return directory
  }

  /// The folder of a run to go on with: the given one, or the last `runs/N`.
  static func toResume(_ path: String?) throws -> RunDirectory {
    guard let path = path ?? numbers().max().map({ "\(parent)/\($0)" }) else {
      throw TrainingError("\(parent): there is no run to resume; name its folder with --run, or train without --resume")
    }
    let directory = RunDirectory(URL(fileURLWithPath: path))
    guard FileManager.default.fileExists(atPath: directory.resumeState.path) else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw TrainingError(
        "\(path): \(exists ? "nothing to resume, since no epoch was finished or interrupted" : "no such run"); "
          + (exists ? "remove the folder and train without --resume" : "check --run, or train without --resume"))
    }
    return directory
  }

  private static func numbers() -> [Int] {
    ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).compactMap { Int($0) }
      .filter { (1...1_000_000_000).contains($0) }
  }

  /// The path as a user would type it: relative to the working directory where that is shorter.
  var displayPath: String {
    let base = FileManager.default.currentDirectoryPath
    let path = url.standardizedFileURL.path
    // By bytes, since names that Unicode composes in another way are equal as texts.
    let (bytes, start) = (Array(path.utf8), Array(base.utf8) + [UInt8(ascii: "/")])
    return bytes.starts(with: start) ? String(decoding: bytes.dropFirst(start.count), as: UTF8.self) : path
  }
}

extension String {
  /// The text as one word of a shell's command line.
  var shellWord: String {
    let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+=:@%,")
    let isPlain = !isEmpty && unicodeScalars.allSatisfy(plain.contains)
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }

  /// Writes the text to a file, in one step.
  func writeFile(_ url: URL) throws {
    do {
      try AtomicFile.write(to: url) { try $0.write(contentsOf: Foundation.Data(utf8)) }
    } catch {
      throw TrainingError(
        "\(url.path): cannot be written (\(error.localizedDescription)); check the folder and the free space")
    }
  }
}
