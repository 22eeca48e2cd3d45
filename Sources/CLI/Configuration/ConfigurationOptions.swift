import ArgumentParser

/// The options that say what is trained on and how: what `train` and `dataset preview` share.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder of labelled images, or synthetic for new drawn ones in every epoch; drawn ones otherwise.",
      valueName: "dir"))
  var data: String?

  @Option(help: ArgumentHelp("A folder to validate with; a share of the images otherwise.", valueName: "dir"))
  var validationData: String?

  @Option(help: ArgumentHelp("A configuration file.", valueName: "file"))
  var config: String?

  @Option(
    help: "The shipped configuration to start from: \(Recipe.names).")
  var recipe: Recipe?

  @Option(help: "Decides images, split, initial weights, order and dropout.")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Sets one key of the configuration; may be given several times.", valueName: "key.path=value"))
  var set: [String] = []

  /// The configuration that the options describe.
  ///
  /// - Parameters:
  ///   - file: read in place of `--config`.
  ///   - overrides: laid over the configuration before those of `--set`.
  func configuration(file: String? = nil, overrides: [String] = []) throws -> TrainingConfiguration {
    var all = overrides
    if let data {
      let isSynthetic = data == ConfigurationNode.syntheticData
      all.append(isSynthetic ? "data=\(data)" : "data.path=\(Self.quoted(data))")
    }
    if let validationData { all.append("data.validation_path=\(Self.quoted(validationData))") }
    if let seed { all.append("seed=\(seed)") }
    all += set
    if let file = file ?? config {
      return try TrainingConfiguration(file: file, base: recipe ?? .seed, overrides: all)
    }
    return try TrainingConfiguration(recipe: recipe ?? .seed, overrides: all)
  }

  /// A path as YAML.
  static func quoted(_ path: String) -> String { "'" + path.replacing("'", with: "''") + "'" }
}
