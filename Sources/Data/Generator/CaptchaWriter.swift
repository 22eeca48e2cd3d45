import Foundation
import Tensor

extension CaptchaGenerator {
  /// Draws images `0..<count` into a folder: `LABEL-MD5.png` each, named by the MD5 digest of the file, and
  /// `manifest.jsonl` with one line for each file (file, type, text, label, style), sorted by file name.
  ///
  /// The same configuration, seed and count give the same files, byte for byte. Should two images be equal, the next
  /// index is drawn instead of the second, so that there are always `count` files.
  /// - Parameters:
  ///   - directory: a folder that is empty or does not exist yet.
  ///   - progress: called on the calling thread with the number of images written so far; it may throw to stop.
  /// - Throws: ``GeneratorError/tooFewImages(found:count:)``, ``GeneratorError/outputNotEmpty(path:)``, ``GeneratorError/outputFailed(path:reason:)``, or what
  ///   `progress` throws.
  public func write(
    count: Int, seed: UInt64, to directory: URL, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    precondition(count >= 0, "CaptchaGenerator.write: the count must not be negative, not \(count)")
    try prepare(directory)
    var lines: [String: ManifestLine] = [:]
    var next = 0
    var drawnInVain = 0
    while lines.count < count {
      let (first, known) = (next, lines.count)
      // Were there but one image more among as many as are known, it would very likely have come.
      if drawnInVain > 10_000 + 3 * known { throw GeneratorError.tooFewImages(found: known, count: count) }
      let batch = Threads.map(count: min(count - lines.count, 256 * Threads.count)) { item in
        Result { try writeImage(index: first + item, seed: seed, to: directory) }
      }
      next += batch.count
      for result in batch {
        let line = try result.get()
        lines[line.file] = line
      }
      drawnInVain = lines.count == known ? drawnInVain + batch.count : 0
      try progress(lines.count, count)
    }
    try writeManifest(lines.values.sorted { $0.file < $1.file }, to: directory)
  }

  private func prepare(_ directory: URL) throws(GeneratorError) {
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    if files.fileExists(atPath: directory.path, isDirectory: &isDirectory) && !isDirectory.boolValue {
      throw .outputFailed(path: directory.path, reason: "it is a file, not a folder")
    }
    do {
      try files.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw .outputFailed(path: directory.path, reason: error.localizedDescription)
    }
    let contents: [String]
    do {
      contents = try files.contentsOfDirectory(atPath: directory.path)
    } catch {
      throw .outputFailed(path: directory.path, reason: error.localizedDescription)
    }
    if !contents.isEmpty { throw .outputNotEmpty(path: directory.path) }
  }

  private func writeImage(index: Int, seed: UInt64, to directory: URL) throws -> ManifestLine {
    let captcha = captcha(index: index, seed: seed)
    let bytes = try PNG.encode(captcha.image, named: "image \(index)")
    let line = ManifestLine(file: "\(captcha.label)-\(MD5.hexDigest(bytes)).png", content: captcha.content)
    try Self.write(Foundation.Data(bytes), to: directory.appendingPathComponent(line.file))
    return line
  }

  private func writeManifest(_ lines: [ManifestLine], to directory: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var manifest = Foundation.Data()
    for line in lines {
      manifest += try encoder.encode(line)
      manifest.append(UInt8(ascii: "\n"))
    }
    try Self.write(manifest, to: directory.appendingPathComponent("manifest.jsonl"))
  }

  private static func write(_ data: Foundation.Data, to url: URL) throws(GeneratorError) {
    do {
      try data.write(to: url)
    } catch {
      throw .outputFailed(path: url.path, reason: error.localizedDescription)
    }
  }
}

/// One line of `manifest.jsonl`.
private struct ManifestLine: Codable, Sendable {
  let file: String
  let type: CaptchaType
  let text: String
  let label: String
  let style: CaptchaStyle

  init(file: String, content: CaptchaContent) {
    self.file = file
    type = content.type
    text = content.text
    label = content.label
    style = content.style
  }
}
