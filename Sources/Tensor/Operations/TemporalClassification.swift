extension Tensor {
  /// Mean loss of connectionist temporal classification: −log p(label | logits), averaged over the images.
  ///
  /// Each column chooses a class, and an alignment reads as the label that is left when repeated classes are taken
  /// together and blanks then dropped. p(label | logits) = Σ over all alignments that read as the label of
  /// Π softmax(z)[column, class]. Gradient: (softmax(z) − posterior) / N, where the posterior of a class at a column is
  /// the share of p that goes through it.
  ///
  /// The mean is that of the labels' whole losses, long or short, as in Keras's `CTC` (whose blank is class 0). PyTorch's
  /// `ctc_loss` with `reduction="mean"` divides each loss by its label's length first; with "sum", divided by N, it is
  /// equal to this one.
  ///
  /// A label of n characters needs n columns, and one more for each character equal to the one before, since a blank must
  /// part them. A label that needs more than there are costs 0 and has no gradient (as PyTorch with
  /// `zero_infinity=True`), but counts in N. Where a logit of an image is not finite, the loss and the image's gradient
  /// are NaN.
  ///
  /// Source: Graves et al. 2006, Connectionist Temporal Classification.
  /// - Parameters:
  ///   - labels: class indices (int32) [N, positions] for logits [N, columns, classes]; what a label does not fill at its
  ///     end is the blank.
  ///   - blank: the class that stands for no character.
  public func ctcLoss(labels: Tensor, blank: Int) -> Tensor {
    requireFloat("ctcLoss")
    precondition(shape.rank == 3, "ctcLoss: logits \(shape) are not [N, columns, classes]")
    precondition(
      labels.dtype == .int32 && labels.shape.rank == 2 && labels.shape[0] == shape[0],
      "ctcLoss: labels \(labels.dtype) \(labels.shape) do not fit logits \(shape)")
    let (images, classes) = (shape[0], shape[2])
    precondition((0..<classes).contains(blank), "ctcLoss: blank \(blank) of \(classes) classes")
    labels.requireLabels(classes: classes, blank: blank)
    let (losses, slopes) = device.backend.ctc(self, labels: labels, blank: blank)
    return mean(of: losses.reduce(0, +), slopes, count: images, operation: "ctcLoss")
  }

  /// Backends take the first blank for the label's end without looking further.
  private func requireLabels(classes: Int, blank: Int) {
    let positions = shape[1]
    withElements(of: Int32.self) { labels in
      for (index, label) in labels.enumerated() {
        precondition((0..<classes).contains(Int(label)), "ctcLoss: class \(label) of \(classes)")
        precondition(
          index % positions == 0 || Int(label) == blank || Int(labels[index - 1]) != blank,
          "ctcLoss: class \(label) behind the blank \(blank), which ends label \(index / max(1, positions))")
      }
    }
  }
}
