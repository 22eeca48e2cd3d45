import ArgumentParser
import Data
import Layers
import Models
import PluginConfiguration

/// `captcha-cli models`.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Lists the models, or the layers of one of them.",
    discussion: """
      classic is the trained model that comes with the program; --output writes its file, to evaluate it elsewhere or to \
      start a training from it. The others are architectures, which are still to be trained.

      MFLOP are the operations that read one image, as the direct computation counts them: an addition, a \
      multiplication, a comparison or an exponential is one.

      Example:
        captcha-cli models
        captcha-cli models attention --width 160
        captcha-cli models classic --output classic.safetensors
        captcha-cli models --markdown > docs/models.md
      """)

  @Argument(help: "The model to look into (\(Self.names.joined(separator: ", "))); all of them where not given.")
  var name: String?

  @OptionGroup var sizes: ModelSizeOptions

  @Option(
    help: ArgumentHelp("With \(ModelFile.classicName): its file goes here; nothing is overwritten.", valueName: "file"))
  var output: NewFile?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "With \(ModelFile.classicName) and --markdown: the folder of the run that trained it, for its records.",
      valueName: "dir"))
  var runDirectory: String?

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  @Flag(help: "Writes a page about all models, with their layers, or the one about \(ModelFile.classicName).")
  var markdown = false

  private static let names = ModelZoo.names + [ModelFile.classicName]

  func validate() throws {
    if json && markdown { throw ValidationError("--json and --markdown exclude each other; give one of them") }
    if output != nil, name != ModelFile.classicName {
      throw ValidationError("--output writes a trained model; write models \(ModelFile.classicName) --output FILE")
    }
    if runDirectory != nil, name != ModelFile.classicName || !markdown {
      throw ValidationError("--run is for the page about \(ModelFile.classicName); add --markdown, or leave it out")
    }
    if runDirectory == "" { throw ValidationError("--run is empty; give the folder of the run") }
    guard let name else { return }
    if markdown, output != nil {
      throw ValidationError("--output takes the model's file, and the page goes to standard output; give one of them")
    }
    if markdown, name != ModelFile.classicName {
      throw ValidationError("--markdown is a page about all models or \(ModelFile.classicName); leave \(name) out")
    }
    if name == ModelFile.classicName, let option = sizes.firstGiven {
      throw ValidationError(
        "--\(option) is for a model that is still to be trained; leave it out, or name another model")
    }
    if !Self.names.contains(name) {
      let remedy =
        nearestName(to: name, in: Self.names).map { "did you mean \"\($0)\"?" }
        ?? "use one of \(Self.names.joined(separator: ", "))"
      throw ValidationError("there is no model \"\(name)\"; \(remedy)")
    }
  }

  func run() throws {
    if name == ModelFile.classicName {
      if markdown { return try ModelCard(folder: runDirectory).lines.forEach(StandardStreams.write) }
      try output?.write(ModelFile.classic)
      let report = try ClassicModelReport(output: output?.path)
      if json { return try StandardStreams.write(json: report) }
      for line in report.lines { StandardStreams.write(line) }
      return
    }
    let defaults = try TrainingConfiguration(recipe: .seed).model
    if let name {
      let report = ModelReport(try ModelSummary(try sizes.configuration(name, defaults: defaults)), withLayers: true)
      if json { return try StandardStreams.write(json: report) }
      for line in report.lines { StandardStreams.write(line) }
      return
    }
    let list = ModelList(
      try ModelZoo.names.map { name in
        let configuration = try sizes.configuration(name, defaults: defaults)
        do {
          return .built(ModelReport(try ModelSummary(configuration), withLayers: markdown))
        } catch let error as ModelError {
          return .refused(name, "\(error)")
        }
      })
    if json { return try StandardStreams.write(json: list) }
    for line in markdown ? list.markdown(try sizes.configuration("", defaults: defaults)) : list.lines {
      StandardStreams.write(line)
    }
    if !markdown { StandardStreams.write(ClassicModelReport.mention) }
    for case .refused(let name, let reason) in list.entries { StandardStreams.note("warning: \(name): \(reason)") }
  }
}

/// What decides the sizes of a model besides its architecture; the recipe `seed`'s where not given.
struct ModelSizeOptions: ParsableArguments {
  @Option(help: "The columns of the images that the model sees, in pixels.")
  var width: Int?

  @Option(help: "The rows of the images.")
  var height: Int?

  @Option(help: "Whether the images have colours.")
  var colorMode: ColorMode?

  @Option(help: ArgumentHelp("The characters that the model reads.", valueName: "characters"))
  var charset: String?

  @Option(help: "The length of the longest label.")
  var maximumLength: Int?

  @Option(help: "What the rows of outputs stand for; the architecture's own where not given.")
  var head: OutputAlignment?

  /// The first option that was given, by its name.
  var firstGiven: String? {
    let given: [(String, Bool)] = [
      ("width", width != nil), ("height", height != nil), ("color-mode", colorMode != nil),
      ("charset", charset != nil), ("maximum-length", maximumLength != nil), ("head", head != nil),
    ]
    return given.first { $0.1 }?.0
  }

  /// A model of these sizes.
  ///
  /// - Throws: `ValidationError` for a value that no model can have.
  func configuration(_ architecture: String, defaults: ModelConfiguration) throws -> ModelConfiguration {
    var configuration = defaults
    configuration.architecture = architecture
    configuration.head = head
    for (option, value, path) in [
      ("width", width, \ModelConfiguration.imageWidth), ("height", height, \ModelConfiguration.imageHeight),
    ] {
      guard let value else { continue }
      guard (16...2048).contains(value) else { throw ValidationError("--\(option) is \(value); give 16 to 2048") }
      configuration[keyPath: path] = value
    }
    configuration.colorMode = colorMode ?? defaults.colorMode
    let length = maximumLength ?? defaults.codec.maximumLength
    guard (1...64).contains(length) else { throw ValidationError("--maximum-length is \(length); give 1 to 64") }
    do {
      configuration.codec = try LabelCodec(
        charset: charset.map { try Charset($0) } ?? defaults.codec.charset, maximumLength: length)
    } catch let error as LabelError {
      throw ValidationError("--charset: \(error)")
    }
    return configuration
  }
}

extension ColorMode: ExpressibleByArgument {}
extension OutputAlignment: ExpressibleByArgument {}
