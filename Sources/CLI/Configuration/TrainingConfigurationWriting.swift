import Data
import Layers
import Models
import PluginConfiguration
import Yams

extension TrainingConfiguration {
  /// The complete configuration as YAML, which reads back as an equal one.
  public func yaml() throws -> String {
    let root = mapping([
      ("seed", plain("\(seed)")),
      (
        "data",
        mapping([
          ("path", optional(data.path.map(text))),
          ("validation_path", optional(data.validationPath.map(text))),
          ("validation_fraction", plain("\(data.validationFraction)")),
          ("maximum_rejected_share", plain("\(data.maximumRejectedShare)")),
          ("cache", optional(data.cache.map(text))),
          ("augmentations", Node(data.augmentations.map(node))),
          (
            "generate",
            data.generate.node
          ),
        ])
      ),
      (
        "model",
        mapping([
          ("architecture", text(model.architecture)),
          ("image_width", plain("\(model.imageWidth)")),
          ("image_height", plain("\(model.imageHeight)")),
          ("color_mode", plain(model.colorMode.rawValue)),
          ("charset", text(model.codec.charset.text)),
          ("maximum_length", plain("\(model.codec.maximumLength)")),
          ("head", optional(model.head.map { plain($0.rawValue) })),
          ("filters", optional(model.filters.map { list($0.map { plain("\($0)") }) })),
          ("dense", optional(model.dense.map { list($0.map { plain("\($0)") }) })),
          ("recurrent", optional(model.recurrent.map { list($0.map { plain("\($0)") }) })),
          ("convolution_dropout", optional(model.convolutionDropout.map { plain("\($0)") })),
          ("dense_dropout", optional(model.denseDropout.map { plain("\($0)") })),
        ])
      ),
      (
        "transfer",
        mapping([
          ("initialize_from", optional(transfer.initializeFrom.map(text))),
          ("freeze", list(transfer.freeze.map(text))),
        ])
      ),
      ("loss", node(loss.component)),
      (
        "decoding",
        mapping([
          ("characters", optional(decoding.characters.map(text))),
          ("lengths", optional(decoding.lengths.map { plain(LengthRange($0).text) })),
          ("grammar", plain(decoding.grammar.rawValue)),
          ("beam_width", plain("\(decoding.beamWidth)")),
        ])
      ),
      ("optimizer", node(optimizer)),
      (
        "training",
        mapping([
          ("epochs", plain("\(training.epochs)")), ("batch_size", plain("\(training.batchSize)")),
          ("precision", plain(training.precision.rawValue)), ("prefetch", plain("\(training.prefetch)")),
        ])
      ),
      ("callbacks", Node(callbacks.map(node))),
    ])
    return try Yams.serialize(node: root, width: -1, allowUnicode: true)
  }
}

extension TrainingConfiguration.GenerateConfiguration {
  fileprivate var node: Node {
    mapping([
      ("count", plain("\(count)")),
      ("fresh", plain("\(fresh)")),
      ("types", typesNode),
      ("lengths", plain(LengthRange(lengths).text)),
      ("charset", optional(charset.map(text))),
      ("fold_case", plain("\(foldCase)")),
      ("confusables", plain("\(confusables)")),
      ("math_label", plain(mathLabel.rawValue)),
      ("style", plain(style.rawValue)),
      ("fonts", optional(fonts.map { list($0.map(text)) })),
      ("width", plain("\(width)")),
      ("height", plain("\(height)")),
      (
        "difficulty",
        mapping([
          ("lines", plain("\(difficulty.lines)")), ("noise", plain("\(difficulty.noise)")),
          ("overlap", plain("\(difficulty.overlap)")), ("blur", plain("\(difficulty.blur)")),
        ])
      ),
    ])
  }

  /// A list where all weights are equal to 1.
  private var typesNode: Node {
    if typeWeights.values.allSatisfy({ $0 == 1 }) { return list(types.map { plain($0.rawValue) }) }
    return Node(types.map { (plain($0.rawValue), plain("\(typeWeights[$0] ?? 1)")) }, .implicit, .flow)
  }
}

extension LossConfiguration {
  fileprivate var component: ComponentConfiguration {
    let arguments = [
      ("gamma", gamma), ("hard_gamma", hardGamma), ("alpha", alpha), ("positive_weight", positiveWeight),
      ("label_smoothing", labelSmoothing),
    ]
    return ComponentConfiguration(
      name,
      Dictionary(
        uniqueKeysWithValues: arguments.compactMap { name, value in
          // By way of the text, so that 0.1 is not written as 0.10000000149.
          value.flatMap { Double("\($0)") }.map { (name, .number($0)) }
        }))
  }
}

private func plain(_ text: String) -> Node { Node(text, .implicit, .plain) }
private func text(_ text: String) -> Node { Node(text, Tag(.str), .doubleQuoted) }
private func list(_ elements: [Node]) -> Node { Node(elements, .implicit, .flow) }
private func optional(_ node: Node?) -> Node { node ?? plain("null") }
private func mapping(_ pairs: [(String, Node)]) -> Node { Node(pairs.map { (plain($0), $1) }) }

private func node(_ component: ComponentConfiguration) -> Node {
  let arguments = component.arguments.sorted { $0.key < $1.key }.map { ($0.key, node($0.value)) }
  return mapping([("name", plain(component.name))] + arguments)
}

private func node(_ value: ConfigurationValue) -> Node {
  switch value {
  case .null: plain("null")
  case .boolean(let value): plain("\(value)")
  case .integer(let value): plain("\(value)")
  case .number(let value): plain(value.isNaN ? ".nan" : value.isInfinite ? (value < 0 ? "-.inf" : ".inf") : "\(value)")
  case .string(let value): text(value)
  case .array(let elements): list(elements.map(node))
  case .object(let fields): mapping(fields.sorted { $0.key < $1.key }.map { ($0.key, node($0.value)) })
  }
}
