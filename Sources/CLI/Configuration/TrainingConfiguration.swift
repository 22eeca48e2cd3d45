import Data
import Layers
import Models
import PluginConfiguration
import Tensor

/// Everything that decides a training: what `train --config` reads and a run's `config.yaml` holds.
///
/// ```swift
/// let configuration = try TrainingConfiguration(recipe: .seed, overrides: ["training.epochs=3"])
/// ```
public struct TrainingConfiguration: Sendable, Equatable {
  /// Decides images, split, initial weights, order and dropout.
  public var seed: UInt64
  public var data: DataConfiguration
  public var model: ModelConfiguration
  public var transfer: TransferConfiguration
  public var loss: LossConfiguration
  /// How texts are read from the trained model's outputs; saved with the model.
  public var decoding: DecodingOptions
  /// The update rule by name, with its arguments, the rate and the clipping.
  public var optimizer: ComponentConfiguration
  public var training: LoopConfiguration
  /// In the order in which they are called.
  public var callbacks: [ComponentConfiguration]

  /// What the training starts from, and what of it stays.
  public struct TransferConfiguration: Sendable, Equatable {
    /// A model file whose weights are taken as far as they fit; nil starts from drawn weights.
    public var initializeFrom: String?
    /// Patterns of parameters that keep their values; see `Layer.parameters(matching:)`.
    public var freeze: [String]
  }

  /// Which images are trained on.
  public struct DataConfiguration: Sendable, Equatable {
    /// A folder of labelled images; nil draws them as `generate` says.
    public var path: String?
    /// A folder of images to validate with; nil sets a share of the others apart.
    public var validationPath: String?
    /// The share of the images to validate with, where they have no folder of their own.
    public var validationFraction: Double
    /// A folder of which more than this share cannot be used is refused.
    public var maximumRejectedShare: Double
    /// A folder for files that keep the decoded images of the folders; nil keeps all pixels in memory.
    public var cache: String?
    /// What changes the images at random each time that they are trained on, one after the other.
    public var augmentations: [ComponentConfiguration]
    public var generate: GenerateConfiguration
  }

  /// The images that are drawn where there is no folder of them.
  public struct GenerateConfiguration: Sendable, Equatable {
    public var count: Int
    /// Whether every epoch draws `count` new images; otherwise the same ones are seen in every epoch.
    public var fresh: Bool
    public var types: [CaptchaType]
    /// How often each of `types` is drawn relative to the others, 1 to 1000.
    public var typeWeights: [CaptchaType: Int]
    public var lengths: ClosedRange<Int>
    /// The characters to draw; nil draws the letters and digits that the model reads.
    public var charset: String?
    /// Whether letters are drawn in both cases and labelled in lower case.
    public var foldCase: Bool
    /// Whether 0, O, I and l are drawn.
    public var confusables: Bool
    public var mathLabel: MathLabel
    public var style: CaptchaStyle
    /// Font files or folders of them; nil is the style's own.
    public var fonts: [String]?
    /// The size to draw in, before the images are scaled to the model's.
    public var width: Int
    public var height: Int
    public var difficulty: GeneratorDifficulty
  }

  /// How long and in what portions is trained.
  public struct LoopConfiguration: Sendable, Equatable {
    public var epochs: Int
    public var batchSize: Int
    /// How the factors of dense layers, convolutions and LSTMs are taken in training.
    public var precision: ArithmeticPrecision
    /// How many batches are made ahead of the step that needs them.
    public var prefetch: Int
  }
}
