import ArgumentParser
import Data
import Foundation
import Models
import Tensor

/// `captcha-cli predict`: reads images.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads images with a trained model.",
    usage: "captcha-cli predict [<model>] <path> ... [<options>]",
    discussion: """
      A first argument whose name ends with .safetensors is the model that reads; without one that is classic, the model
      that comes with the program, which knows the four types of classic images of 200×60 pixels.

      Prints file, text and confidence per image, or with --json one object per line. Characters of names that can't be seen
      are shown as escapes, such as \\n for a newline; with --json names are as they are. An image that cannot be read is
      reported on standard error, the others are still read, and the exit code is 1. A reading of less confidence than
      --minimum-confidence, or than the model file asks for, is rejected: its text is left out, and "rejected" stands at the
      line's end; with --json it has "rejected": true and keeps its text.

      Examples:
        captcha-cli predict captcha.png
        captcha-cli predict runs/1/checkpoints/best-exact-match.safetensors captcha.png more-images
        curl -s https://example.org/captcha.png | captcha-cli predict model.safetensors --json -
      """)

  @Argument(help: ModelChoice.help)
  var model: String?

  @Argument(
    help: "Image files (PNG, JPEG, GIF, BMP), folders of them, or - for the bytes of one image on standard input.")
  var paths: [String] = []

  @Flag(help: "Scales images of a size that the model was not trained on; without it they are refused.")
  var resize = false

  @OptionGroup var decoding: DecodingChoice

  @Option(
    help: ArgumentHelp(
      "Readings of less confidence are rejected, from 0 to 1. (default: as the model file says)", valueName: "share"))
  var minimumConfidence: Double?

  @Flag(help: "Writes one JSON object per image to standard output.")
  var json = false

  /// How many images are decoded before they are read: enough to keep all processors busy.
  private static let chunk = 128

  func run() throws {
    // Where the first argument is no model it is an image.
    let words = try PredictionWords((model.map { [$0] } ?? []) + paths)
    let recognizer = try words.model.recognizer(words.model.content(words.model.bytes()))
    try decoding.apply(to: recognizer, minimumConfidence: minimumConfidence)
    let (inputs, known, options) = (recognizer.inputs, recognizer.knownSizes, recognizer.options)
    var failures = 0
    var files: [String] = []
    for path in words.paths {
      do {
        files += try Self.files(at: path)
      } catch {
        StandardStreams.noteFailure("\(error)")
        failures += 1
      }
    }
    // Decided for all files, so that a reading does not depend on its place among them.
    let areFew = files.count <= Recognizer.few
    var isAnnounced = false
    for start in stride(from: 0, to: files.count, by: Self.chunk) {
      let names = Array(files[start..<min(start + Self.chunk, files.count)])
      let images = Threads.map(count: names.count) { index in
        Result { try image(names[index], for: inputs, knownSizes: known) }
      }
      var readable: [(name: String, image: Image)] = []
      for (name, image) in zip(names, images) {
        do {
          readable.append((name, try image.get()))
        } catch {
          StandardStreams.noteFailure("\(error)")
          failures += 1
        }
      }
      if !isAnnounced, !readable.isEmpty {
        // Not before there is something to read: of a failure only the error is said.
        words.model.announce(json: json)
        isAnnounced = true
      }
      let readings = recognizer.read(readable.map(\.image), areFew: areFew)
      try recognizer.requireNumbers()
      for (file, reading) in zip(readable, readings) {
        // Said of every reading where there is a limit, and of none where there isn't.
        let rejected = options.minimumConfidence == nil ? nil : options.rejects(reading)
        try write(
          Line(
            file: file.name, text: reading.text, question: reading.question, confidence: reading.confidence,
            rejected: rejected))
      }
    }
    if failures > 0 { throw ExitCode.failure }
  }

  private func write(_ line: Line) throws {
    if json {
      try StandardStreams.write(json: line)
    } else {
      // A name may have a tab or a newline, which would make other fields or lines, or control the terminal.
      let (file, confidence) = (line.file.visible, line.confidence.fixed(4))
      StandardStreams.write(
        line.rejected == true ? "\(file)\t\t\(confidence)\trejected" : "\(file)\t\(line.text)\t\(confidence)")
    }
  }

  private struct Line: Encodable {
    let file: String
    let text: String
    let question: String?
    let confidence: Double
    let rejected: Bool?
  }

  /// The path itself, or the images of a folder in the order of their names.
  private static func files(at path: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
    else { return [path] }
    return try ImageFolder(path).imagePaths()
  }

  /// An image as the models take it, as far as they all take it alike.
  private func image(_ path: String, for inputs: [ImageInput], knownSizes: [String]) throws -> Image {
    let image = try Self.image(path, as: inputs.colorMode)
    let size = "\(image.width)×\(image.height)"
    guard resize || knownSizes.contains(size) else {
      let known =
        knownSizes.isEmpty
        ? "the models of the ensemble were trained on no size in common"
        : "the model was trained on \(knownSizes.joined(separator: ", "))"
      throw ModelError("\(path): the image is \(size) and \(known); give --resize to scale it")
    }
    return inputs.prepared(image)
  }

  private static func image(_ path: String, as mode: ColorMode?) throws -> Image {
    guard path == "-" else { return try ImageFile.read(path, as: mode) }
    let limit = ImageLimits().maximumFileSize
    var bytes = Foundation.Data()
    do {
      while let part = try FileHandle.standardInput.read(upToCount: 1 << 20), !part.isEmpty {
        bytes += part
        // The decoder refuses more than the limit; there is no need to read on.
        if bytes.count > limit { break }
      }
    } catch {
      let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error ?? error
      throw ModelError(
        "-: standard input can't be read (\(reason.localizedDescription)); pipe the bytes of one image into it")
    }
    return try ImageFile.decode([UInt8](bytes), named: "-", as: mode)
  }
}
