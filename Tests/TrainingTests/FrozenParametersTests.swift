import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// Trainings that leave a part of the weights as they are.
@Suite struct FrozenParametersTests {
  /// One step with every image in it; freezes what the pattern chooses first.
  private func trained(_ frozen: String?, epochs: Int = 1) throws -> (
    before: [String: [UInt32]], after: [String: [UInt32]]
  ) {
    var small = try SmallTraining()
    (small.images, small.batchSize, small.epochs, small.accumulationSteps) = (4, 4, epochs, 1)
    let model = small.model()
    if let frozen {
      for item in model.parameters(matching: frozen) { item.parameter.isTrainable = false }
    }
    let before = model.weightBits
    _ = try small.trainer(model: model).fit(small.training, validation: small.validation)
    return (before, model.weightBits)
  }

  /// Each gradient is that of the whole training, since the first pass is the same; the normalisation's block is one operation.
  @Test func theOthersAreTrainedAsEver() throws {
    let all = try trained(nil)
    for pattern in ["conv", "conv/kernel", "output/*", "bn/beta"] {
      let part = try trained(pattern)
      for (name, values) in part.after {
        let isFrozen = name.hasPrefix(pattern.replacing("*", with: ""))
        #expect(values == (isFrozen ? part.before[name] : all.after[name]), "\(pattern) \(name)")
        if !isFrozen { #expect(values != part.before[name], "\(pattern) \(name)") }
      }
    }
  }

  /// A frozen normalisation uses its averages and does not move them.
  @Test func aFrozenNormalisationStaysWhole() throws {
    let part = try trained("bn", epochs: 3)
    for (name, values) in part.after { #expect((values == part.before[name]) == name.hasPrefix("bn/"), "\(name)") }
  }

  /// The optimizer neither has moments for frozen weights nor decays them, and goes on from its own state.
  @Test func theOptimizerLeavesThemOut() throws {
    var small = try SmallTraining()
    (small.epochs, small.accumulationSteps) = (2, 1)
    func make() -> (Sequential, Optimizer) {
      let model = small.model()
      for item in model.parameters(matching: "conv") { item.parameter.isTrainable = false }
      return (
        model,
        Optimizer(Adam(), parameters: model.namedParameters, learningRate: 0.01, weightDecay: 0.1)
      )
    }
    let (model, optimizer) = make()
    let before = model.weightBits
    _ = try small.trainer(model: model, optimizer: optimizer).fit(small.training, validation: small.validation)
    #expect(
      model.weightBits["conv/kernel"] == before["conv/kernel"] && model.weightBits["conv/bias"] == before["conv/bias"])
    let state = optimizer.state()
    #expect(state.tensors.keys.allSatisfy { !$0.contains("conv") } && !state.tensors.isEmpty)
    let (_, other) = make()
    try other.restore(state)
    #expect(other.state().tensors.mapValues(\.bits) == state.tensors.mapValues(\.bits))
  }
}
