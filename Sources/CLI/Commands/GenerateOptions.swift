import ArgumentParser
import Data

/// Which characters `generate` draws, and in which fonts.
struct CharacterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The characters to draw: digit takes its digits, alpha its letters, mixed all; of no account for math.",
      valueName: "characters"))
  var charset = GeneratorConfiguration.defaultCharset

  @Flag(help: "Draws letters in both cases and labels them in lower case.")
  var foldCase = false

  @Flag(
    inversion: .prefixedNo,
    help: "Whether to draw 0, O, I and l, which are hard to tell apart; Base58 leaves them out.")
  var confusables = true

  @Option(
    help: ArgumentHelp(
      "TrueType or OpenType files, or folders of them, separated by commas, one of which is chosen for each character; "
        + "the style's own font otherwise.", valueName: "paths"))
  var fonts: String?

  /// The paths that ``fonts`` names; nil for the style's own font.
  var fontPaths: [String]? {
    fonts.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }
}

/// How large `generate` draws, and how hard to read.
struct LookOptions: ParsableArguments {
  // A value may begin with a minus, if only to be refused by what it means.
  @Option(parsing: .unconditional, help: "The columns of an image, 60 to 2048 pixels; everything in it is scaled.")
  var width = 200

  @Option(parsing: .unconditional, help: "The rows of an image, 20 to 2048 pixels.")
  var height = 60

  @Option(parsing: .unconditional, help: "A factor on the numbers of lines and arcs, 0 to 10.")
  var lines = 1.0

  @Option(parsing: .unconditional, help: "A factor on the number of dots, 0 to 10.")
  var noise = 1.0

  @Option(
    parsing: .unconditional,
    help: "The share by which neighbouring characters stand closer together, to 0.75; down to -0.5 for wider apart.")
  var overlap = 0.0

  @Option(parsing: .unconditional, help: "A factor on the probability of blur, 0 to 10; how strong the blur is stays.")
  var blur = 1.0
}
