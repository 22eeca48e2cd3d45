import Models

extension ModelList {
  /// The page about all models, `docs/models.md` in the repository.
  ///
  /// - Parameter sizes: those that the models have.
  func markdown(_ sizes: ModelConfiguration) -> [String] {
    let image = "\(sizes.imageWidth)×\(sizes.imageHeight)×\(sizes.colorMode.channels)"
    let codec = sizes.codec
    var lines = [
      "# Models", "",
      "Written by `captcha-cli models --markdown`; a test compares it with what the command writes. Sizes are those of",
      "\(image) images and labels of up to \(codec.maximumLength) of \(codec.charset.count) characters, which makes "
        + "\(codec.classCount) classes with the one for",
      "none. `captcha-cli models NAME` shows a model of other sizes (`--width`, `--height`, `--color-mode`, `--charset`,",
      "`--maximum-length`, `--head`). A configuration chooses a model by `model.architecture`, and `model.filters`,",
      "`model.dense` and others change it.", "",
      "Parameters are all weights, running statistics included, as Keras counts them. MFLOP are millions of operations that",
      "read one image, as the direct computation counts them: an addition, a multiplication, a comparison or an exponential",
      "is one. A model whose head is `positions` chooses one class for each position of the label; one whose head is "
        + "`columns`",
      "chooses one for each column of what it sees, and is trained with the loss `ctc`.", "",
    ]
    lines += Self.table(
      ["model", "what it is", "parameters", "trainable", "MFLOP", "head"], rightAligned: 2...4,
      reports.map {
        [
          "[`\($0.name)`](#\($0.name))", $0.summary, $0.parameters.grouped, $0.trainableParameters.grouped,
          $0.megaflop.fixed(1), $0.headText,
        ]
      })
    for report in reports {
      lines += ["", "## \(report.name)", ""]
      lines += Self.table(
        ["layer", "type", "output", "parameters", "MFLOP"], rightAligned: 3...4,
        [["", "image", report.inputShape, "", ""]]
          + (report.layers ?? []).map { [$0.name.isEmpty ? "" : "`\($0.name)`"] + $0.cells.dropFirst() })
    }
    return lines
  }

  private static func table(_ headings: [String], rightAligned: ClosedRange<Int>, _ rows: [[String]]) -> [String] {
    var table = MarkdownTable(headings.indices.map { (headings[$0], rightAligned.contains($0) ? .right : .left) })
    for row in rows { table.add(row) }
    return table.lines
  }
}
