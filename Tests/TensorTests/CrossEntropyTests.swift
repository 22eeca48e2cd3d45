import Foundation
import Testing

@testable import Tensor

@Suite struct CrossEntropyTests {
  private static func binary(_ z: [Double], _ t: [Double]) -> Double {
    let losses = zip(z, t).map { z, t in max(z, 0) - z * t + log1p(exp(-abs(z))) }
    return losses.reduce(0, +) / Double(z.count)
  }

  private static func focal(_ z: [Double], _ t: [Double], gamma: Double, alpha: Double?) -> Double {
    let losses = zip(z, t).map { z, t in
      let p = 1 / (1 + exp(-z))
      let weight = alpha.map { t * $0 + (1 - t) * (1 - $0) } ?? 1
      return weight * pow(1 - (t * p + (1 - t) * (1 - p)), gamma) * -(t * log(p) + (1 - t) * log(1 - p))
    }
    return losses.reduce(0, +) / Double(z.count)
  }

  private static func softmax(_ z: [Double], _ targets: [Int32], classes: Int, smoothing: Double) -> Double {
    var loss = 0.0
    for (row, target) in targets.enumerated() {
      let logits = z[row * classes..<(row + 1) * classes]
      let logSum = log(logits.reduce(0) { $0 + exp($1) })
      for (index, logit) in logits.enumerated() {
        let probability = (index == target ? 1 - smoothing : 0) + smoothing / Double(classes)
        loss += probability * (logSum - logit)
      }
    }
    return loss / Double(targets.count)
  }

  @Test func sigmoidGradientsAreDifferences() {
    var numbers = Numbers("gradients of binary losses")
    let z = numbers.normal([4, 5]) * 2
    let soft = Tensor(numbers.normal([4, 5]).sigmoid().elements(), shape: [4, 5])
    let hard = Tensor(soft.elements().map { $0 > 0.5 ? 1 : 0 } as [Float], shape: [4, 5])
    for targets in [soft, hard] {
      let t = targets.doubles
      gradientCheck([z], reference: { [Self.binary($0[0], t)] }, { $0[0].sigmoidCrossEntropy(targets: targets) })
    }
    for (gamma, alpha) in [(2, nil), (2, 0.25), (0, nil), (1, 0.5), (0.5, nil), (5, nil)] as [(Float, Float?)] {
      for targets in [soft, hard] {
        let t = targets.doubles
        gradientCheck(
          [z], reference: { [Self.focal($0[0], t, gamma: Double(gamma), alpha: alpha.map(Double.init))] },
          { $0[0].sigmoidFocalCrossEntropy(targets: targets, gamma: gamma, alpha: alpha) })
      }
    }
  }

  @Test(arguments: [0, 0.1, 1] as [Float])
  func softmaxGradientsAreDifferences(smoothing: Float) {
    var numbers = Numbers("gradients of softmax")
    let targets = numbers.classes(6, of: 5)
    let classes = targets.elements(of: Int32.self)
    gradientCheck(
      [numbers.normal([6, 5]) * 2],
      reference: { [Self.softmax($0[0], classes, classes: 5, smoothing: Double(smoothing))] },
      { $0[0].softmaxCrossEntropy(targets: targets, labelSmoothing: smoothing) })
    // Positions of a text: logits [N, positions, classes].
    gradientCheck(
      [numbers.normal([2, 3, 5])],
      reference: { [Self.softmax($0[0], classes, classes: 5, smoothing: Double(smoothing))] },
      { $0[0].softmaxCrossEntropy(targets: targets.reshaped(to: [2, 3]), labelSmoothing: smoothing) })
  }

  @Test func focalLossWithoutFocusIsCrossEntropy() {
    var numbers = Numbers("focus")
    let z = numbers.normal([100]) * 5
    let targets = Tensor(numbers.normal([100]).sigmoid().elements(), shape: [100])
    let parameter = Parameter("z", value: z)
    let focal = parameter.tensor(tracking: true).sigmoidFocalCrossEntropy(targets: targets, gamma: 0)
    let plain = parameter.tensor(tracking: true).sigmoidCrossEntropy(targets: targets)
    #expect(focal.scalar == plain.scalar)
    #expect(focal.backward()[parameter]?.elements() == plain.backward()[parameter]?.elements())
  }

  /// Nothing is clipped: a logit of 50 for a target of 0 costs 50, and its gradient stays 1.
  @Test func largeLogitsAreExact() {
    for (logit, target, loss, slope) in [
      (50, 0, 50, 1), (-50, 1, 50, -1), (50, 1, 0, 0), (-50, 0, 0, 0), (1e30, 0, 1e30, 1), (0, 1, log(2), -0.5),
    ] as [(Float, Float, Double, Double)] {
      let z = Parameter("z", value: Tensor([logit], shape: [1]))
      let entropy = z.tensor(tracking: true).sigmoidCrossEntropy(targets: Tensor([target], shape: [1]))
      #expect(Double(entropy.scalar).isApproximately(loss) || abs(Double(entropy.scalar) - loss) < 1e-20)
      expectClose(entropy.backward()[z], [slope], absolute: 1e-20)

      let focal = z.tensor(tracking: true).sigmoidFocalCrossEntropy(targets: Tensor([target], shape: [1]))
      #expect(focal.scalar.isFinite)
      #expect(focal.backward()[z]?.elements().allSatisfy { $0.isFinite } == true)
    }
    let z = Parameter("z", value: Tensor([1000, 0, -1000] as [Float], shape: [1, 3]))
    let entropy = z.tensor(tracking: true).softmaxCrossEntropy(targets: Tensor([Int32(2)], shape: [1]))
    #expect(entropy.scalar == 2000)
    expectClose(entropy.backward()[z], [1, 0, -1])
  }

  /// Far from the border between right and wrong, where 1 − p loses its digits when it is taken as a difference.
  @Test func focalLossKeepsItsSmallValues() {
    for z in [5, 9, 12, 15] as [Float] {
      let p = 1 / (1 + exp(-Double(z)))
      let expected = pow(exp(-Double(z)) * p, 2) * log1p(exp(-Double(z)))
      let loss = Tensor([z], shape: [1]).sigmoidFocalCrossEntropy(targets: Tensor([1] as [Float], shape: [1]))
      #expect(Double(loss.scalar).isApproximately(expected, tolerance: 1e-5))
    }
  }

  @Test func notANumberReachesTheLoss() {
    let targets = Tensor([1, 0] as [Float], shape: [2])
    let z = Tensor([.nan, 1] as [Float], shape: [2])
    #expect(z.sigmoidCrossEntropy(targets: targets).scalar.isNaN)
    #expect(z.sigmoidFocalCrossEntropy(targets: targets).scalar.isNaN)
    for logits in [[.nan, 1], [1, .nan]] as [[Float]] {
      let z = Tensor(logits, shape: [1, 2])
      #expect(z.softmaxCrossEntropy(targets: Tensor([Int32(0)], shape: [1])).scalar.isNaN)
    }
  }

  @Test func emptyBatchCostsNothing() {
    let empty = Tensor(zeros: [0, 4])
    #expect(empty.sigmoidCrossEntropy(targets: empty).scalar == 0)
    #expect(empty.softmaxCrossEntropy(targets: Tensor([Int32](), shape: [0])).scalar == 0)
  }

  @Test func meanOfManyElementsIsExact() {
    let count = 1_000_000
    let loss = Tensor(zeros: [count]).sigmoidCrossEntropy(targets: Tensor(zeros: [count]))
    #expect(Double(loss.scalar).isApproximately(log(2), tolerance: 1e-7))
  }
}
