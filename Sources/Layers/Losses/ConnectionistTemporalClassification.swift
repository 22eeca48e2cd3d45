import Tensor

/// −log p(label) of a text that is read column by column, without being told where its characters stand; the mean over
/// images.
///
/// The last class is the blank: it pads the labels and stands for no character between two columns' characters. See
/// `Tensor.ctcLoss` for labels that are too long for the columns. Source: Graves et al. 2006.
public struct ConnectionistTemporalClassification: Loss {
  public static let name = "ctc"
  public init() {}

  public var outputActivation: OutputActivation { .softmax }
  public var alignment: OutputAlignment { .columns }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    precondition(
      logits.shape.rank == 3, "\(Self.name): logits \(logits.shape) are not [N, columns, classes]")
    return logits.ctcLoss(labels: labels, blank: logits.shape[2] - 1)
  }
}
