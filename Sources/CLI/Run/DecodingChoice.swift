import ArgumentParser
import Data
import Models

/// How a model's outputs become text, where that differs from what the model file says.
struct DecodingChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp("The only characters that may be read. (default: all of the model)", valueName: "characters"))
  var characters: String?

  @Option(help: "The only lengths that may be read, such as 4...8 or 6. (default: up to the model's longest)")
  var lengths: LengthRange?

  @Option(
    help: ArgumentHelp(
      "What texts look like: none for any, arithmetic for questions such as 19+3=?, which are read as their answers. "
        + "(default: as the model file says, none if it says nothing)",
      valueName: DecodingGrammar.allCases.map(\.rawValue).joined(separator: "|")))
  var grammar: DecodingGrammar?

  @Option(
    help: ArgumentHelp(
      "For models that read by columns: how many beginnings of a text are followed at once, 1 to 1024; 1 takes the best "
        + "class of each column. (default: as the model file says, 1 if it says nothing)", valueName: "count"))
  var beamWidth: Int?

  /// What the model file says, with what was asked for in its place.
  private func options(_ own: DecodingOptions, minimumConfidence: Double?) -> DecodingOptions {
    var options = own
    if let characters { options.characters = characters }
    if let lengths { options.lengths = lengths.range }
    if let grammar { options.grammar = grammar }
    if let beamWidth { options.beamWidth = beamWidth }
    if let minimumConfidence { options.minimumConfidence = minimumConfidence }
    return options
  }

  /// Makes a recogniser read as asked.
  ///
  /// - Throws: what is wrong with which option.
  func apply(to recognizer: any TextRecognizer, minimumConfidence: Double? = nil) throws {
    do {
      try recognizer.decode { options($0, minimumConfidence: minimumConfidence) }
    } catch {
      let option = error.key.replacing("_", with: "-")
      throw ValidationError("--\(option) is \(error.value); \(error.remedy)")
    }
  }
}

extension DecodingGrammar: ExpressibleByArgument {}
