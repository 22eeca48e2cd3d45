import Data
import Layers
import Tensor

/// Adds layers one by one and knows the shape in between, so that architectures need not compute sizes.
struct ModelBuilder {
  let configuration: ModelConfiguration
  /// What the rows of the outputs stand for.
  let head: OutputAlignment
  private var layers: [NamedLayer] = []
  private(set) var shape: Shape

  init(_ configuration: ModelConfiguration, head: OutputAlignment) {
    self.configuration = configuration
    self.head = head
    shape = configuration.inputShape
  }

  /// The number of channels (or units) so far.
  var channels: Int { shape[-1] }

  mutating func add(_ layer: any Layer, named name: String = "") {
    layers.append(layer.named(name))
    shape = layer.outputShape(for: shape)
  }

  /// Max pooling where the image is still large enough for it; otherwise an error that names the remedy.
  mutating func addPool(_ window: WindowSize = 2, padding: Padding = .valid) throws {
    let (height, width) = padding == .same ? (1, 1) : (window.height, window.width)
    guard shape[1] >= height, shape[2] >= width else {
      let key = shape[1] < height ? "image_height" : "image_width"
      throw ModelError(
        "model.\(key): an image of \(configuration.imageWidth)×\(configuration.imageHeight) is too small for the "
          + "\(configuration.architecture) architecture's pooling; use a larger image or fewer filters")
    }
    add(MaxPool2D(window, padding: padding))
  }

  mutating func addDropout(_ rate: Double) {
    if rate > 0 { add(Dropout(rate)) }
  }

  /// From an image to what the head reads: one row of values, or one per column.
  mutating func addFlatten() {
    switch head {
    case .positions: add(Flatten())
    case .columns: add(Columns())
    }
  }

  /// What the output layer is called, whatever the architecture.
  static let outputName = "output"

  /// The output layer of logits, and the whole.
  mutating func finished() throws -> Sequential {
    switch head {
    case .positions:
      // A sequence of columns is one row of values to what chooses a character for each position.
      if shape.rank > 2 { add(Flatten()) }
      add(Dense(channels, configuration.codec.outputCount), named: Self.outputName)
    case .columns:
      // Two equal characters in a row need a column between them.
      let (columns, length) = (shape[1], configuration.codec.maximumLength)
      guard columns >= 2 * length - 1 else {
        throw ModelError(
          "model.head: columns: the \(configuration.architecture) architecture has \(columns) columns for images "
            + "\(configuration.imageWidth) pixels wide, and labels of \(length) characters need \(2 * length - 1); "
            + "use a larger model.image_width or model.head: positions")
      }
      add(Dense(channels, configuration.codec.classCount), named: Self.outputName)
    }
    let layers = layers
    return Sequential { layers }
  }
}
