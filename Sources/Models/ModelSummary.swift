import Layers
import Tensor

/// What a model consists of: its layers with their shapes, weights and work.
///
/// ```swift
/// let summary = try ModelSummary(ModelConfiguration(architecture: "compact"))
/// print(summary.parameterCount, summary.flops)
/// ```
public struct ModelSummary: Sendable {
  /// One step of the model.
  public struct Layer: Sendable {
    /// The name in the keys of model files; empty for layers without weights.
    public let name: String
    /// The layer's type, such as `Conv2D`.
    public let type: String
    /// The result's shape for a batch of one image.
    public let outputShape: Shape
    /// Weights, running statistics included.
    public let parameterCount: Int
    /// Weights that training changes.
    public let trainableParameterCount: Int
    /// Floating-point operations for one image, as the direct computation counts them: an addition, a multiplication, a
    /// comparison or an exponential is one.
    public let flops: Int
  }

  public let configuration: ModelConfiguration
  /// What the rows of the outputs stand for.
  public let head: OutputAlignment
  /// In the order in which they run.
  public let layers: [Layer]

  /// Weights, running statistics included, as Keras counts them.
  public var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }
  /// Weights that training changes.
  public var trainableParameterCount: Int { layers.reduce(0) { $0 + $1.trainableParameterCount } }
  /// Floating-point operations that read one image, see `Layer.flops`.
  public var flops: Int { layers.reduce(0) { $0 + $1.flops } }
  /// The columns for which there is an output; nil where the outputs are those of positions.
  public var columns: Int? { head == .columns ? layers.last?.outputShape[1] : nil }

  /// Builds the model and runs each of its layers once.
  ///
  /// No `OperationRecorder` may run meanwhile, since one counts the operations.
  /// - Throws: `ModelError` for a configuration that no model can have.
  public init(_ configuration: ModelConfiguration) throws {
    self.configuration = configuration
    head = try ModelZoo.head(configuration)
    var x = Tensor(zeros: configuration.inputShape)
    layers = try ModelZoo.model(configuration).children.map { child in
      let parameters = child.layer.namedParameters.map(\.parameter)
      // The work is that of any weights, and drawing them would take most of the time.
      for parameter in parameters { parameter.value = Tensor(zeros: parameter.shape) }
      let recorder = OperationRecorder()
      recorder.start()
      x = child.layer(x, .inference)
      recorder.stop()
      return Layer(
        name: child.name, type: "\(type(of: child.layer))", outputShape: x.shape,
        parameterCount: child.layer.parameterCount,
        trainableParameterCount: parameters.reduce(0) { $0 + ($1.isTrainable ? $1.shape.count : 0) },
        flops: recorder.operations.reduce(0) { $0 + $1.flops })
    }
  }
}
