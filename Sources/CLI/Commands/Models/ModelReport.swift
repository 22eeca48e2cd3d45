import Layers
import Models
import Tensor

/// What `captcha-cli models` says of a model, with its layers where they were asked for.
struct ModelReport: Encodable {
  let name: String
  let summary: String
  let head: OutputAlignment
  /// How many columns have an output; nil where outputs are those of positions.
  let columns: Int?
  let parameters: Int
  let trainableParameters: Int
  /// Millions of operations that read one image.
  let megaflop: Double
  let imageWidth: Int
  let imageHeight: Int
  let channels: Int
  let classes: Int
  let layers: [Layer]?

  /// One step of the model.
  struct Layer: Encodable {
    /// Empty for a layer without weights.
    let name: String
    let type: String
    /// Of one image.
    let outputShape: [Int]
    let parameters: Int
    let trainableParameters: Int
    let megaflop: Double
  }

  init(_ model: ModelSummary, withLayers: Bool) {
    let configuration = model.configuration
    name = configuration.architecture
    summary =
      (ModelZoo.summary(of: configuration.architecture) ?? "")
      + (configuration.givenSizes.map { "; here with \($0)" } ?? "")
    head = model.head
    columns = model.columns
    parameters = model.parameterCount
    trainableParameters = model.trainableParameterCount
    megaflop = Double(model.flops) / 1e6
    (imageWidth, imageHeight) = (configuration.imageWidth, configuration.imageHeight)
    channels = configuration.colorMode.channels
    classes = configuration.codec.classCount
    layers =
      withLayers
      ? model.layers.map {
        Layer(
          name: $0.name, type: $0.type, outputShape: Array($0.outputShape.dimensions.dropFirst()),
          parameters: $0.parameterCount, trainableParameters: $0.trainableParameterCount,
          megaflop: Double($0.flops) / 1e6)
      } : nil
  }

  private enum CodingKeys: String, CodingKey {
    case name, summary, head, columns, parameters, megaflop, channels, classes, layers
    case trainableParameters = "trainable_parameters"
    case imageWidth = "image_width"
    case imageHeight = "image_height"
  }

  /// The image's size, such as `60×200×3`.
  var inputShape: String { Self.shape([imageHeight, imageWidth, channels]) }

  /// Sizes with a cross between them.
  static func shape(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "×") }

  /// What the outputs stand for, in words.
  var headText: String { columns.map { "\($0) columns" } ?? "positions" }

  /// The layers for people to read.
  var lines: [String] {
    var table = AlignedTable([
      ("layer", .left), ("type", .left), ("output", .left), ("parameters", .right), ("MFLOP", .right),
    ])
    table.add(["", "image", inputShape])
    for layer in layers ?? [] { table.add(layer.cells) }
    table.add([])
    table.add(["", "all", "", parameters.grouped, megaflop.fixed(1)])
    return ["\(name): \(summary)", "head: \(headText), \(classes) classes each", ""] + table.lines + [
      "\(trainableParameters.grouped) parameters are trainable; the others are running statistics"
    ]
  }
}

extension ModelReport.Layer {
  /// Name, type, shape, parameters and work; empty where there are none.
  var cells: [String] {
    [
      name, type, ModelReport.shape(outputShape), parameters > 0 ? parameters.grouped : "",
      megaflop > 0 ? megaflop.fixed(2) : "",
    ]
  }

  private enum CodingKeys: String, CodingKey {
    case name, type, parameters, megaflop
    case outputShape = "output_shape"
    case trainableParameters = "trainable_parameters"
  }
}

/// All models.
struct ModelList: Encodable {
  /// A model, or why there is none of these sizes.
  enum Entry: Encodable {
    case built(ModelReport)
    case refused(_ name: String, _ reason: String)

    private enum CodingKeys: String, CodingKey { case name, error }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .built(let report): try report.encode(to: encoder)
      case .refused(let name, let reason):
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(reason, forKey: .error)
      }
    }
  }

  let entries: [Entry]

  init(_ entries: [Entry]) { self.entries = entries }

  private enum CodingKeys: String, CodingKey { case entries = "models" }

  /// The models that can be built.
  var reports: [ModelReport] { entries.compactMap { if case .built(let report) = $0 { report } else { nil } } }

  /// The table for people to read.
  var lines: [String] {
    var table = AlignedTable([
      ("model", .left), ("parameters", .right), ("trainable", .right), ("MFLOP", .right), ("head", .left),
      ("what it is", .left),
    ])
    for entry in entries {
      switch entry {
      case .built(let report):
        table.add([
          report.name, report.parameters.grouped, report.trainableParameters.grouped, report.megaflop.fixed(1),
          report.headText, report.summary,
        ])
      case .refused(let name, _): table.add([name, "", "", "", "", "not for these sizes"])
      }
    }
    return table.lines
  }
}
