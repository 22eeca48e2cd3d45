import Foundation

/// The exponential sums that softmax and its loss share.
struct Softmax {
  /// The largest logit, which is taken off before the exponential, so that none overflows.
  let largest: Float
  /// Σ e^(x − largest).
  let sum: Double

  init(_ x: UnsafeBufferPointer<Float>) {
    largest = x.max() ?? 0
    var sum = 0.0
    for value in x { sum += Double(exp(value - largest)) }
    self.sum = sum
  }

  /// log Σ e^x.
  var logSum: Double { Double(largest) + log(sum) }

  /// e^x / Σ e^x for one logit of the row.
  func probability(_ logit: Float) -> Float { exp(logit - largest) / Float(sum) }

  /// Replaces x by e^x / Σ e^x.
  static func normalize(_ x: UnsafeMutableBufferPointer<Float>) {
    let row = Softmax(UnsafeBufferPointer(x))
    for index in x.indices { x[index] = row.probability(x[index]) }
  }
}

extension Tensor {
  /// Mean binary cross-entropy of logits with targets in 0...1.
  ///
  /// loss = mean(max(z, 0) − z·t + log(1 + e^(−|z|))), which is exact for large logits: nothing is clipped (as Keras does
  /// when the prediction comes straight from a sigmoid). Gradient: (sigmoid(z) − t) / count.
  /// - Parameter targets: the logits' shape.
  public func sigmoidCrossEntropy(targets: Tensor) -> Tensor {
    meanLoss(targets, operation: "sigmoidCrossEntropy") { z, t in
      let small = exp(-abs(z))
      let probability = (z >= 0 ? 1 : small) / (1 + small)
      return (max(z, 0) - z * t + log1p(small), probability - t)
    }
  }

  /// Mean binary focal loss of logits: the cross-entropy of each element times (1 − pₜ)^gamma, where pₜ is the
  /// probability given to the target; with `alpha` also times alpha for targets 1 and 1 − alpha for targets 0.
  ///
  /// Source: Lin et al. 2017; Keras `BinaryFocalCrossentropy`.
  /// - Parameter targets: the logits' shape.
  public func sigmoidFocalCrossEntropy(targets: Tensor, gamma: Float = 2, alpha: Float? = nil) -> Tensor {
    meanLoss(targets, operation: "sigmoidFocalCrossEntropy") { z, t in
      let small = exp(-abs(z))
      let p = (z >= 0 ? 1 : small) / (1 + small)
      let entropy = max(z, 0) - z * t + log1p(small)
      // 1 − pₜ, without a difference that would lose its small values.
      let missed = t * (z >= 0 ? small : 1) / (1 + small) + (1 - t) * p
      let weight = alpha.map { t * $0 + (1 - t) * (1 - $0) } ?? 1
      let factor = pow(missed, gamma)
      // d(missed)/dz = (1 − 2t) · p · (1 − p)
      let slope = missed > 0 ? gamma * pow(missed, gamma - 1) * (1 - 2 * t) * p * (1 - p) : 0
      return (weight * factor * entropy, weight * (slope * entropy + factor * (p - t)))
    }
  }

  /// The mean of `loss(z, target)` over all elements; `loss` also gives its derivative by z.
  private func meanLoss(
    _ targets: Tensor, operation: String, _ loss: @Sendable (Float, Float) -> (value: Float, slope: Float)
  ) -> Tensor {
    requireSameShape(as: targets, operation)
    let gradient = Tensor(uninitialized: shape)
    let count = shape.count
    var sum = 0.0
    for index in 0..<count {
      let (value, slope) = loss(floats[index], targets.floats[index])
      sum += Double(value)
      gradient.floats[index] = slope / Float(count)
    }
    return Self.tracked(Tensor(Float(sum / Double(max(1, count)))), from: [self], operation: operation) {
      [gradient * $0.scalar]
    }
  }

  /// Mean softmax cross-entropy over the last axis: −log softmax(z)[target], averaged over all rows.
  ///
  /// Gradient: (softmax(z) − one-hot) / rows.
  /// - Parameters:
  ///   - targets: class indices (int32), one per row: logits [..., C] → targets [...].
  ///   - labelSmoothing: the share of the target's probability that is spread evenly over all classes.
  public func softmaxCrossEntropy(targets: Tensor, labelSmoothing: Float = 0) -> Tensor {
    let (rows, classes) = (shape.rows, shape[-1])
    requireFloat("softmaxCrossEntropy")
    precondition(
      (0...1).contains(labelSmoothing), "softmaxCrossEntropy: labelSmoothing \(labelSmoothing) is not in 0...1")
    precondition(
      targets.dtype == .int32 && targets.shape.count == rows,
      "softmaxCrossEntropy: targets \(targets.dtype) \(targets.shape) do not fit logits \(shape)")
    let gradient = Tensor(uninitialized: shape)
    var sum = 0.0
    let even = labelSmoothing / Float(classes)
    targets.withElements(of: Int32.self) { targets in
      for row in 0..<rows {
        let target = Int(targets[row])
        precondition((0..<classes).contains(target), "softmaxCrossEntropy: class \(target) of \(classes)")
        let z = UnsafeBufferPointer(start: floats + row * classes, count: classes)
        let slope = gradient.floats + row * classes
        let softmax = Softmax(z)
        let logSum = softmax.logSum
        var loss = Double(1 - labelSmoothing) * (logSum - Double(z[target]))
        for index in 0..<classes {
          slope[index] = (softmax.probability(z[index]) - even) / Float(rows)
          if even > 0 { loss += Double(even) * (logSum - Double(z[index])) }
        }
        slope[target] -= (1 - labelSmoothing) / Float(rows)
        sum += loss
      }
    }
    return Self.tracked(Tensor(Float(sum / Double(max(1, rows)))), from: [self], operation: "softmaxCrossEntropy") {
      [gradient * $0.scalar]
    }
  }
}
