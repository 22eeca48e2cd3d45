import Foundation

/// Adam, AMSGrad and AdamW (Kingma and Ba 2014; Reddi et al. 2018; Loshchilov and Hutter 2017), with Keras's arithmetic.
///
/// `m ← m + (g − m)(1 − β₁)`, `v ← v + (g² − v)(1 − β₂)`, with AMSGrad `v̂ ← max(v̂, v)`, then
/// `w ← w − rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v̂ + ε)`: ε stands outside the bias correction.
public struct Adam: UpdateRule {
  public let beta1: Double
  public let beta2: Double
  public let epsilon: Float
  public let amsgrad: Bool
  public let defaultWeightDecay: Float

  /// - Parameters:
  ///   - beta1: how much of the mean of the gradients stays at an update, in 0..<1.
  ///   - beta2: the same for the mean of their squares.
  ///   - amsgrad: divide by the largest mean square so far.
  ///   - defaultWeightDecay: the decoupled decay where the optimizer is given none; `adamW` has 0.004.
  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-7, amsgrad: Bool = false,
    defaultWeightDecay: Float = 0
  ) {
    precondition((0..<1).contains(beta1) && (0..<1).contains(beta2), "Adam: betas \(beta1), \(beta2) are not in 0..<1")
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.amsgrad = amsgrad
    self.defaultWeightDecay = defaultWeightDecay
  }

  public var slots: [String] { amsgrad ? ["m", "v", "vhat"] : ["m", "v"] }

  public func update(_ part: ParameterPart, rate: Float, updateNumber: Int) {
    // As in Keras, the powers are those of the Float nearest to beta, and 1 − beta is rounded only once.
    let (keep1, keep2) = (Double(Float(beta1)), Double(Float(beta2)))
    let time = Double(updateNumber)
    let corrected = Float(Double(rate) * (1 - pow(keep2, time)).squareRoot() / (1 - pow(keep1, time)))
    part.adam(
      meanGain: Float(1 - beta1), squareGain: Float(1 - beta2), rate: corrected, epsilon: epsilon, amsgrad: amsgrad)
  }
}

extension UpdateRule where Self == Adam {
  /// Adam with decoupled weight decay, 0.004 where none is asked for as in Keras.
  public static func adamW(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-7, amsgrad: Bool = false
  ) -> Adam {
    Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, defaultWeightDecay: 0.004)
  }
}
