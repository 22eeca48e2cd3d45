import Callbacks
import Data
import Models

extension ModelCard {
  /// The page, in Markdown.
  var lines: [String] { opening + data + training + evaluation + Self.limits + retraining }

  private var opening: [String] {
    let architecture = model.model
    let sizes = model.sizes.joined(separator: ", ")
    // A model of its sizes, which alone can take its weights.
    let way = starts.first?.recipe.map { "--recipe \($0.shellWord)" } ?? "--config docs/model-card/config.yaml"
    return [
      "# Model card: \(model.name)", "",
      "Written by `scripts/ship-model`; a test compares it with what that writes. The figures come from the model's file and from",
      "the records in [model-card](model-card), which its training and its evaluations left; the sections on use and limits are",
      "written by hand.", "",
      "## What it is", "",
      "A small model that reads captcha images as the original system draws them, of \(sizes) pixels: digits, letters, both,",
      "and sums, which it answers. It is a part of `captcha-cli` and of the library `Models`:", "",
      "```sh", "captcha-cli predict captcha.png", "```", "",
      "```swift", "print(try Recognizer.classic().read(path: \"captcha.png\").text)", "```", "",
      "It is meant for trying out the program, for reading such images, and as a start for models of one's own",
      "(`captcha-cli models classic --output FILE`, \("captcha-cli train \(way) --initialize-from FILE".markdownCode)).",
      "",
    ]
      + MarkdownTable.lines(
        ["", ""],
        [
          ["file", "`Sources/CClassicModel/classic.safetensors`, \(model.bytes.grouped) bytes, MD5 `\(model.md5)`"],
          ["architecture", "\(architecture.name.markdownCode): \(architecture.summary)"],
          [
            "parameters",
            "\(architecture.parameters.grouped), of which \(architecture.trainableParameters.grouped) were trained; "
              + "\(architecture.megaflop.fixed(1)) MFLOP an image",
          ],
          ["images", "\(sizes), \(model.colorMode.rawValue); types \(Self.code(model.types ?? []))"],
          ["reads", "up to \(model.maximumLength) of \(model.charset.markdownCode), as \(architecture.headText)"],
          [
            "decoding",
            "grammar \(model.decoding.grammar.rawValue.markdownCode), beam width \(model.decoding.beamWidth), temperature "
              + model.decoding.temperature.fixed(4)
              + (model.decoding.minimumConfidence.map { ", rejects below \($0.fixed(4))" } ?? ""),
          ],
        ])
  }

  private var data: [String] {
    var lines = ["", "## Data", ""]
    guard let configuration else { return lines + ["What it was trained on is not recorded."] }
    if let path = configuration.data.path {
      return lines + ["The images of the folder \(path.markdownCode), which is no part of the repository."]
    }
    let images = configuration.data.generate
    let (count, epochs) = (images.count, configuration.training.epochs)
    lines += [
      "Images that this program drew ([generator.md](generator.md)); none was collected. "
        + (images.fresh
          ? "Every epoch has \(count.grouped) new ones, which makes \((count * epochs).grouped) in \(epochs.grouped) epochs."
          : "There are \(count.grouped), the same in every epoch."),
      "",
    ]
    let difficulty = images.difficulty
    return lines
      + MarkdownTable.lines(
        ["", ""],
        [
          ["style", "\(images.style.rawValue.markdownCode), \(images.width)×\(images.height)"],
          ["types", Self.code(images.types.map(\.rawValue))],
          ["lengths", "\(images.lengths.lowerBound) to \(images.lengths.upperBound)"],
          ["sums are labelled with", "the \(images.mathLabel.rawValue)"],
          [
            "difficulty",
            "lines \(difficulty.lines), noise \(difficulty.noise), overlap \(difficulty.overlap), blur \(difficulty.blur)",
          ],
          ["augmentations", Self.code(configuration.data.augmentations.map(\.name))],
        ])
  }

  private var training: [String] {
    var lines = ["", "## Training", ""]
    guard let configuration else { return lines + ["How it was trained is not recorded."] }
    var rows = [
      ["recipe", starts.first.map { $0.recipe.map(\.markdownCode) ?? "a configuration file" } ?? "not recorded"],
      ["seed", "\(configuration.seed)"],
      ["epochs", "\(configuration.training.epochs), batches of \(configuration.training.batchSize)"],
      ["optimizer", "\(configuration.optimizer.name.markdownCode), loss \(configuration.loss.name.markdownCode)"],
      ["precision", configuration.training.precision.rawValue],
    ]
    if let last = starts.last {
      rows.append(["machine", Self.text(last.machine)])
      rows.append(["program", "captcha-cli \(last.programVersion.markdownText)"])
    }
    lines += MarkdownTable.lines(["", ""], rows)
    lines += ["", "The whole configuration is [config.yaml](model-card/config.yaml)."]
    guard !starts.isEmpty else { return lines }
    return lines + ["", "```sh"] + starts.map(\.commandLine.shellLine) + ["```"]
  }

  private var evaluation: [String] {
    let lines = ["", "## Evaluation"]
    guard !evaluations.isEmpty else { return lines + ["", "No evaluation of this file is recorded."] }
    return lines + evaluations.flatMap { Self.lines($0.name, $0.record) }
  }

  private static func lines(_ name: String, _ record: EvaluationRecord) -> [String] {
    let report = record.evaluation
    let kinds = (record.data.types.sorted { $0.key < $1.key }).map { "\($0.key.markdownText) \($0.value.grouped)" }
    let styles = record.data.styles.keys.sorted().map(\.markdownText)
    var rows = [
      ["exact match", "\(report.exactMatch.percent) (95 %: \(interval(report.exactMatchInterval)))"],
      ["character accuracy", report.characterAccuracy.percent],
    ]
    if let folded = report.exactMatchCaseFolded { rows.append(["exact match but for case", folded.percent]) }
    if let merged = report.exactMatchConfusablesMerged {
      rows.append(["exact match but for lookalikes", merged.percent])
    }
    if let confidence = report.confidence {
      rows.append(["calibration error", confidence.expectedCalibrationError.percent])
    }
    rows.append(["speed", "\(report.imagesPerSecond.fixed(0)) images/s on \(text(record.machine))"])
    var lines = [
      "", "### \(name.markdownText)", "",
      "\(report.count.grouped) images" + (kinds.isEmpty ? "" : ": \(kinds.joined(separator: ", "))")
        + (styles.isEmpty ? "" : "; style \(styles.joined(separator: ", "))")
        + ". Measured on \(String(record.time.prefix(10)).markdownText) with captcha-cli "
        + "\(record.programVersion.markdownText):", "",
      "```sh", record.commandLine.shellLine, "```", "",
    ]
    lines += MarkdownTable.lines(["", ""], rows)
    func shares(_ title: String, _ shares: [(key: String, value: EvaluationReport.Share)]) -> [String] {
      [""]
        + MarkdownTable.lines(
          [title, "images", "exact match"], rightAligned: 1...2,
          shares.map { [$0.key.markdownText, $0.value.count.grouped, $0.value.exactMatch.percent] })
    }
    lines += shares("type", report.byType.sorted { $0.key < $1.key })
    lines += shares(
      "length of the label", report.byLength.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) })
    lines += ["", "By position: " + report.perPosition.map(\.percent).joined(separator: ", ") + "."]
    if let confidence = report.confidence {
      lines += [""]
      lines += MarkdownTable.lines(
        ["confidence from", "kept", "right", "95 %"], rightAligned: 0...2,
        confidence.coverage.map {
          [
            "\($0.minimumConfidence)", $0.coverage.percent, $0.accuracy?.percent ?? "–",
            $0.accuracy == nil ? "" : interval($0.accuracyInterval),
          ]
        })
    }
    guard !report.confusions.isEmpty else { return lines }
    let confusions = report.confusions.prefix(15).map { "\($0.text) \($0.count.grouped)" }
    return lines + ["", "The commonest confusions: " + confusions.joined(separator: ", ") + "."]
  }

  private static let limits = [
    "", "## Limits", "",
    "- It knows one style. It was not trained on images with other fonts, sizes, colours or distortions, such as those of",
    "  `--style library`, and reads them badly. `--resize` scales images of other sizes and teaches it nothing.",
    "- Characters that look alike (`0Oo`, `1Il`) and letters whose capitals differ in size only (`Cc`, `Vv`, `Xx`) are hard to tell",
    "  apart for anybody.",
    "- It always reads something: an image that is no captcha gets a text too. `--minimum-confidence` rejects what is less sure,",
    "  and `captcha-cli calibrate --data DIR` finds a limit for one's own images.",
    "- Captchas guard services of others. It is for images of your own, and for systems that you are authorised to test; getting",
    "  round the guard of a service without its owner's consent may break its terms and the law.",
  ]

  private var retraining: [String] {
    [
      "", "## Training it again", "",
      "```sh", "captcha-cli train --config docs/model-card/config.yaml --run runs/classic",
      "captcha-cli generate --output held-out --count 10000 --seed 1000",
      "captcha-cli evaluate runs/classic/checkpoints/best-exact-match.safetensors --data held-out \\",
      "  --record runs/classic/evaluations/held-out.json", "scripts/ship-model runs/classic", "```", "",
      "The same seed and number of threads give the same bits on the same kind of processor. `scripts/ship-model` puts the model,",
      "the records and this page into the repository.",
    ]
  }

  private static func code(_ words: [String]) -> String {
    words.isEmpty ? "none" : words.map(\.markdownCode).joined(separator: ", ")
  }

  private static func interval(_ bounds: [Double]) -> String { bounds.map(\.percent).joined(separator: " to ") }

  private static func text(_ machine: MachineDescription) -> String {
    "\(machine.cpu.markdownText), \(machine.threadText)"
  }
}
