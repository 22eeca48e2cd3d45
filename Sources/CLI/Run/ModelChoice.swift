import ArgumentParser
import Data
import Foundation
import Models
import Tensor
import Training

/// The model that a command reads images with.
enum ModelChoice {
  /// A file of a model or of an ensemble.
  case file(String)
  /// The one that comes with the program.
  case classic

  /// - Parameter path: what the user named; nil for nothing.
  init(_ path: String?) { self = path.map(Self.file) ?? .classic }

  /// The file's path, or what the model is called that has none.
  var name: String {
    switch self {
    case .file(let path): path
    case .classic: ModelFile.classicName
    }
  }

  /// What errors call the file.
  private var fileName: String {
    switch self {
    case .file(let path): URL(fileURLWithPath: path).path
    case .classic: ModelFile.classicName
    }
  }

  /// The model's file, byte for byte.
  ///
  /// Read it once, for everything that is made of it: a training that goes on replaces its files.
  func bytes() throws -> Foundation.Data {
    switch self {
    case .file(let path): try Safetensors.bytes(contentsOf: URL(fileURLWithPath: path))
    case .classic: ModelFile.classic
    }
  }

  /// What bytes of the model's file hold.
  func content(_ bytes: Foundation.Data) throws -> Safetensors { try Safetensors(bytes, file: fileName) }

  /// The model that the file's content is of.
  func recognizer(_ content: Safetensors) throws -> any TextRecognizer {
    try ModelFile.recognizer(content, file: fileName)
  }

  /// Says which model reads, where nobody has named one; programs, which take JSON, know what they call.
  func announce(json: Bool) {
    guard case .classic = self, !json else { return }
    StandardStreams.note(
      "model: \(name), shipped with captcha-cli \(ProgramCall.version); --help tells how to name another")
  }

  /// What the help of a command says of its optional model.
  static var help: ArgumentHelp {
    "The file of a model or of an ensemble. (default: \(ModelFile.classicName), the model that comes with the program)"
  }
}

/// What the words after `predict` stand for.
struct PredictionWords {
  let model: ModelChoice
  /// At least one.
  let paths: [String]

  /// The first word names a model if it ends as the names of model files do; otherwise it is an image as all others.
  ///
  /// - Throws: an error that says what is missing or meant.
  init(_ words: [String]) throws {
    guard let first = words.first else { throw ValidationError("no images are named; \(Self.remedy)") }
    let isModel = Self.isModelName(first)
    if isModel, Self.isFolder(first) {
      throw ModelError(
        "\(first): a folder, where the name says that it is a model file; to read the images in it write \(first)/")
    }
    model = isModel ? .file(first) : .classic
    paths = isModel ? Array(words.dropFirst()) : words
    if let other = paths.first(where: { Self.isModelName($0) && !Self.isFolder($0) }) {
      throw ValidationError(
        isModel
          ? "\(other): a second model, where one reads; captcha-cli ensemble makes one file of several"
          : "\(other): the name of a model, which must come before all images")
    }
    if paths.count(where: { $0 == "-" }) > 1 {
      throw ValidationError("- is given more than once, and standard input holds one image; give it once")
    }
    if paths.isEmpty {
      let missing = FileManager.default.fileExists(atPath: first) ? "" : " (and there is no such file)"
      throw ValidationError("\(first): names a model\(missing), but no images follow; \(Self.remedy)")
    }
    if !isModel { try Self.requireNoModel(first) }
  }

  private static let remedy = "give image files, folders of them, or - for standard input"
  private static let suffix = ".safetensors"

  private static func isModelName(_ word: String) -> Bool { word.lowercased().hasSuffix(suffix) }

  private static func isFolder(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  /// Refuses a first image that was surely meant as the model: nothing may be read with another one then.
  private static func requireNoModel(_ path: String) throws {
    guard path != "-", !ImageFormat.isImageName(path) else { return }
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard FileManager.default.fileExists(atPath: path) else {
      throw ModelError("\(path): no such file; check the path (the name of a model ends with \(suffix))")
    }
    if isFolder(path) { return try requireNoModels(inFolder: path) }
    // Only what can be read twice: a pipe's bytes would be gone.
    guard (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true,
      (try? Safetensors(contentsOf: url)) != nil
    else { return }
    throw ModelError("\(path): holds a model, whose name must end with \(suffix) so that it reads; rename the file")
  }

  /// Refuses a run, whatever pictures it has of its own, and a folder of models only.
  private static func requireNoModels(inFolder path: String) throws {
    let isRun = RunDirectory(URL(fileURLWithPath: path)).isUsed
    let place = (path.hasSuffix("/") ? path : path + "/") + (isRun ? "checkpoints/" : "")
    let models = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).filter(isModelName).sorted()
    guard isRun || !models.isEmpty && (try? ImageFolder(path).imagePaths()) == nil else { return }
    // What a run is resumed from is no model.
    let names = models.filter { $0 != "resume\(suffix)" }
    let example = names.first { $0 == "best-exact-match\(suffix)" } ?? names.first
    throw ModelError(
      "\(path): \(isRun ? "the folder of a run" : "holds models and no images"); name a model itself"
        + (example.map { ", such as \(place)\($0)" } ?? "") + ", or image files")
  }
}
