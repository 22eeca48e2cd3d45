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
  /// What the rows of outputs stand for; nil for the architecture's own.
  public var head: OutputAlignment?
  /// Channels of the convolution blocks, or of the stages of a residual net; nil for the architecture's own.
  public var filters: [Int]?
  /// Units of the dense layers before the output; nil for the architecture's own.
  public var dense: [Int]?
  /// Units of each direction of the recurrent layers; nil for the architecture's own.
  public var recurrent: [Int]?
  /// Dropout rate after convolution blocks that have one; nil for the architecture's own.
  public var convolutionDropout: Double?
  /// Dropout rate after dense layers; nil for the architecture's own.
  public var denseDropout: Double?

  public init(
    architecture: String, imageWidth: Int = 200, imageHeight: Int = 60, colorMode: ColorMode = .rgb,
    codec: LabelCodec = LabelCodec(), head: OutputAlignment? = nil, filters: [Int]? = nil, dense: [Int]? = nil,
    recurrent: [Int]? = nil, convolutionDropout: Double? = nil, denseDropout: Double? = nil
  ) {
    self.architecture = architecture
    self.imageWidth = imageWidth
    self.imageHeight = imageHeight
    self.colorMode = colorMode
    self.codec = codec
    self.head = head
    self.filters = filters
    self.dense = dense
    self.recurrent = recurrent
    self.convolutionDropout = convolutionDropout
    self.denseDropout = denseDropout
  }

  /// The shape of a batch of one image.
  public var inputShape: Shape { [1, imageHeight, imageWidth, colorMode.channels] }

  /// The sizes of layers that are given here, spelt as in configuration files; nil where all are the architecture's own.
  package var givenSizes: String? {
    let given = [("filters", filters), ("dense", dense), ("recurrent", recurrent)]
      .compactMap { name, sizes in sizes.map { "\(name) \($0)" } }
    return given.isEmpty ? nil : given.joined(separator: ", ")
  }

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
    for (key, units) in [("dense", dense), ("recurrent", recurrent)] {
      if let units { try require(units.allSatisfy(sizes.contains), key, units, "give positive numbers") }
    }
    for (key, rate) in [("convolution_dropout", convolutionDropout), ("dense_dropout", denseDropout)] {
      if let rate { try require((0..<1).contains(rate), key, rate, "give a rate from 0 to below 1") }
    }
  }
}

/// The architectures by name.
public enum ModelZoo {
  /// An architecture: what it is in a line, and how it is built. The result maps [N,H,W,C] to logits
  /// [N, positions · classes], or [N, columns, classes] where the outputs are by column.
  struct Architecture: Sendable {
    let summary: String
    /// What the outputs stand for where the configuration does not say.
    var head = OutputAlignment.positions
    let build: @Sendable (inout ModelBuilder) throws -> Void
  }

  /// A new architecture is one new file and one line here.
  private static let architectures: [String: Architecture] = [
    "attention": .attention,
    "basic": .basic,
    "compact": .compact,
    "crnn": .crnn,
    "enhanced": .enhanced,
    "enhanced_se": .enhancedSE,
    "resnet": .resnet,
  ]

  public static var names: [String] { architectures.keys.sorted() }

  /// What an architecture is, in a line.
  public static func summary(of name: String) -> String? { architectures[name]?.summary }

  /// What the rows of a model's outputs stand for.
  public static func head(_ configuration: ModelConfiguration) throws -> OutputAlignment {
    try configuration.head ?? architecture(configuration).head
  }

  /// Refuses a loss for which the rows of outputs stand for something else than for the model's head.
  public static func requireFit(_ loss: any Loss, _ configuration: ModelConfiguration) throws {
    let head = try head(configuration)
    guard loss.alignment != head else { return }
    throw ModelError(
      "loss.name: \(type(of: loss).name) is for model.head: \(loss.alignment.rawValue), and the "
        + "\(configuration.architecture) model's is \(head.rawValue); set model.head: \(loss.alignment.rawValue), or "
        + (head == .columns ? "loss.name: ctc" : "another loss"))
  }

  /// Builds a model; its weights are drawn by `initialize(seed:)` or loaded.
  public static func model(_ configuration: ModelConfiguration) throws -> Sequential {
    let architecture = try architecture(configuration)
    try configuration.validate()
    var builder = ModelBuilder(configuration, head: configuration.head ?? architecture.head)
    try architecture.build(&builder)
    return try builder.finished()
  }

  private static func architecture(_ configuration: ModelConfiguration) throws -> Architecture {
    guard let architecture = architectures[configuration.architecture] else {
      throw ModelError(
        "model.architecture: \"\(configuration.architecture)\" is not known; use one of \(names.joined(separator: ", "))"
      )
    }
    return architecture
  }
}
