import Foundation

/// Softmax and the losses, divided among the threads by row or element.
extension CPUBackend {
  public func softmax(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let classes = x.shape[-1]
    if classes == 0 { return y }
    Threads.forEachPart(of: x.shape.rows, minimum: max(1, 4096 / max(1, classes))) { rows, _ in
      let part = y.floats + rows.lowerBound * classes
      part.update(from: x.floats + rows.lowerBound * classes, count: rows.count * classes)
      kernels.softmax_rows(part, rows.count, classes, 1)
    }
    return y
  }

  public func sigmoidCrossEntropy(
    _ logits: Tensor, targets: Tensor, weighting: BinaryWeighting
  ) -> (sum: Double, slopes: Tensor) {
    let slopes = Tensor(uninitialized: logits.shape)
    let sum = Threads.sum(over: logits.shape.count, minimum: 4096) { part in
      var sum = 0.0
      for index in part {
        let (z, t) = (logits.floats[index], targets.floats[index])
        let small = exp(-abs(z))
        let p = (z >= 0 ? 1 : small) / (1 + small)
        let entropy = max(z, 0) - z * t + log1p(small)
        let weight = t * weighting.positive + (1 - t) * weighting.negative
        // 1 − pₜ, without a difference that would lose its small values.
        let missed = t * (z >= 0 ? small : 1) / (1 + small) + (1 - t) * p
        let gamma = missed > 1 - weighting.hardBelow ? weighting.hardGamma ?? weighting.gamma : weighting.gamma
        if gamma == 0 {
          sum += Double(weight * entropy)
          slopes.floats[index] = weight * (p - t)
          continue
        }
        let factor = pow(missed, gamma)
        // d(missed)/dz = (1 − 2t) · p · (1 − p)
        let slope = missed > 0 ? gamma * pow(missed, gamma - 1) * (1 - 2 * t) * p * (1 - p) : 0
        sum += Double(weight * factor * entropy)
        slopes.floats[index] = weight * (slope * entropy + factor * (p - t))
      }
      return sum
    }
    return (sum, slopes)
  }

  public func softmaxCrossEntropy(
    _ logits: Tensor, targets: Tensor, labelSmoothing: Float
  ) -> (sum: Double, slopes: Tensor) {
    let slopes = Tensor(uninitialized: logits.shape)
    let classes = logits.shape[-1]
    let even = labelSmoothing / Float(classes)
    let labels = targets.elements(of: Int32.self)
    let sum = Threads.sum(over: logits.shape.rows, minimum: max(1, 4096 / max(1, classes))) { rows in
      var sum = 0.0
      for row in rows {
        let target = Int(labels[row])
        let z = UnsafeBufferPointer(start: logits.floats + row * classes, count: classes)
        let slope = slopes.floats + row * classes
        let softmax = Softmax(z)
        let logSum = softmax.logSum
        sum += Double(1 - labelSmoothing) * (logSum - Double(z[target]))
        for index in 0..<classes {
          slope[index] = softmax.probability(z[index]) - even
          if even > 0 { sum += Double(even) * (logSum - Double(z[index])) }
        }
        slope[target] -= 1 - labelSmoothing
      }
      return sum
    }
    return (sum, slopes)
  }
}

/// The exponential sums of one row, which softmax and its loss share.
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
}
