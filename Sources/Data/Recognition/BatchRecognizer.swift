import Tensor

/// Reads batches of images that are tensors already: a model, or several together.
///
/// `outputs` is the slow part; the rest may be done with one result several times.
public protocol BatchRecognizer {
  /// What labels are encoded with to be compared with readings.
  var codec: LabelCodec { get }
  /// What holds for the readings. Where several models read in ways of their own, only the grammar, the temperature and
  /// the least confidence say something about them all.
  var options: DecodingOptions { get }
  /// How many tensors make up a batch: the same images in each size and colour that the models take.
  var inputCount: Int { get }

  /// The logits of each model for a batch.
  ///
  /// - Parameters:
  ///   - images: `inputCount` tensors with values from 0 to 1, float32 [N, H, W, C].
  ///   - float16Weights: whether large dense weights may be read as float16, which is faster for a few images.
  func outputs(_ images: [Tensor], float16Weights: Bool) -> [Tensor]

  /// The texts of a batch.
  ///
  /// - Parameter temperature: taken in place of that of `options`.
  func readings(_ outputs: [Tensor], temperature: Double) -> [Reading]

  /// The probabilities at temperature 1, [N, positions, classes]; nil where a position has none of its own.
  func probabilities(_ outputs: [Tensor]) -> Tensor?

  /// The mean loss of a batch at temperature 1; nil where the models have none in common.
  ///
  /// - Parameter labels: class indices [N, positions], int32.
  func meanLoss(_ outputs: [Tensor], labels: Tensor) -> Double?
}

extension BatchRecognizer {
  /// The texts of a batch.
  public func readings(_ outputs: [Tensor]) -> [Reading] { readings(outputs, temperature: options.temperature) }
}
