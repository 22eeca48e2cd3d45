import Data
import Foundation
import Layers
import Tensor

/// Why a model cannot be built or read, in one line that names the file or key and the remedy.
public struct ModelError: Error, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }

  public init(_ description: String) { self.description = description }
}

/// Everything that decides a model's shape: the architecture and its sizes, the images that it takes, what it reads.
public struct ModelConfiguration: Sendable, Codable, Hashable {
  /// One of `ModelZoo.names`.
  public var architecture: String
  /// Size of the images that the model sees; others are resized.
  public var imageWidth: Int
  public var imageHeight: Int
  public var colorMode: ColorMode
  /// What the outputs mean.
  public var codec: LabelCodec
  /// Channels of the convolution blocks, or of the stages of a residual net; nil for the architecture's own.
  public var filters: [Int]?
  /// Units of the dense layers before the output; nil for the architecture's own.
  public var dense: [Int]?
  /// Dropout rate after convolution blocks that have one; nil for the architecture's own.
  public var convolutionDropout: Double?
  /// Dropout rate after dense layers; nil for the architecture's own.
  public var denseDropout: Double?

  public init(
    architecture: String, imageWidth: Int = 200, imageHeight: Int = 60, colorMode: ColorMode = .rgb,
    codec: LabelCodec = LabelCodec(), filters: [Int]? = nil, dense: [Int]? = nil, convolutionDropout: Double? = nil,
    denseDropout: Double? = nil
  ) {
    self.architecture = architecture
    self.imageWidth = imageWidth
    self.imageHeight = imageHeight
    self.colorMode = colorMode
    self.codec = codec
    self.filters = filters
    self.dense = dense
    self.convolutionDropout = convolutionDropout
    self.denseDropout = denseDropout
  }

  /// The shape of a batch of one image.
  public var inputShape: Shape { [1, imageHeight, imageWidth, colorMode.channels] }

  /// positions · classes.
  public var outputCount: Int { codec.outputCount }

  /// Refuses sizes that no model can have, naming the key.
  func validate() throws {
    func require(_ condition: Bool, _ key: String, _ value: Any, _ remedy: String) throws {
      guard condition else { throw ModelError("model.\(key): \(value) is not usable; \(remedy)") }
    }
    try require((16...2048).contains(imageWidth), "image_width", imageWidth, "give 16 to 2048 pixels")
    try require((16...2048).contains(imageHeight), "image_height", imageHeight, "give 16 to 2048 pixels")
    try require((1...64).contains(codec.maximumLength), "maximum_length", codec.maximumLength, "give 1 to 64")
    let sizes = 1...65_536
    if let filters {
      try require(!filters.isEmpty && filters.allSatisfy(sizes.contains), "filters", filters, "give positive numbers")
    }
    if let dense { try require(dense.allSatisfy(sizes.contains), "dense", dense, "give positive numbers") }
    for (key, rate) in [("convolution_dropout", convolutionDropout), ("dense_dropout", denseDropout)] {
      if let rate { try require((0..<1).contains(rate), key, rate, "give a rate from 0 to below 1") }
    }
  }
}

/// The architectures by name.
public enum ModelZoo {
  /// An architecture: what it is in a line, and how it is built. The result maps [N,H,W,C] to logits
  /// [N, positions · classes].
  struct Architecture: Sendable {
    let summary: String
    let build: @Sendable (ModelConfiguration) throws -> Sequential
  }

  /// A new architecture is one new file and one line here.
  private static let architectures: [String: Architecture] = [
    "basic": .basic,
    "compact": .compact,
    "enhanced": .enhanced,
    "resnet": .resnet,
  ]

  public static var names: [String] { architectures.keys.sorted() }

  /// What an architecture is, in a line.
  public static func summary(of name: String) -> String? { architectures[name]?.summary }

  /// Builds a model; its weights are drawn by `initialize(seed:)` or loaded.
  public static func model(_ configuration: ModelConfiguration) throws -> Sequential {
    guard let architecture = architectures[configuration.architecture] else {
      throw ModelError(
        "model.architecture: \"\(configuration.architecture)\" is not known; use one of \(names.joined(separator: ", "))"
      )
    }
    try configuration.validate()
    return try architecture.build(configuration)
  }
}

/// Adds layers one by one and knows the shape in between, so that architectures need not compute sizes.
struct ModelBuilder {
  private(set) var layers: [NamedLayer] = []
  private(set) var shape: Shape
  private let configuration: ModelConfiguration

  init(_ configuration: ModelConfiguration) {
    self.configuration = configuration
    shape = configuration.inputShape
  }

  /// The number of channels (or units) so far.
  var channels: Int { shape[-1] }

  mutating func add(_ layer: any Layer, named name: String = "") {
    layers.append(layer.named(name))
    shape = layer.outputShape(for: shape)
  }

  /// Max pooling where the image is still large enough for it; otherwise an error that names the remedy.
  mutating func addPool(_ window: Int = 2) throws {
    guard shape[1] >= window, shape[2] >= window else {
      let key = shape[1] < window ? "image_height" : "image_width"
      throw ModelError(
        "model.\(key): an image of \(configuration.imageWidth)×\(configuration.imageHeight) is too small for the "
          + "\(configuration.architecture) architecture's pooling; use a larger image or fewer filters")
    }
    add(MaxPool2D(window))
  }

  mutating func addDropout(_ rate: Double) {
    if rate > 0 { add(Dropout(rate)) }
  }

  /// The output layer of logits, and the whole.
  mutating func finish() -> Sequential {
    add(Dense(channels, configuration.outputCount), named: "output")
    let layers = layers
    return Sequential { layers }
  }
}
