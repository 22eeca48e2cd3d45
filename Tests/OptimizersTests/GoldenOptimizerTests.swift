import Foundation
import Optimizers
import PluginConfiguration
import Tensor
import Testing

/// Every recorded run of Keras's optimizers, replayed through the configuration's names.
@Suite struct GoldenOptimizerTests {
  @Test func parametersAndSlotsFollowKeras() throws {
    let runs = try GoldenRun.load()
    try #require(!runs.isEmpty)
    for run in runs { try replay(run) }
  }

  private func replay(_ run: GoldenRun) throws {
    let parameters = zip(run.shapes, run.initial).enumerated().map { index, variable in
      NamedParameter(
        name: "variable\(index)",
        parameter: Parameter(
          "value", value: Tensor(variable.1.map(\.value), shape: Shape(variable.0)))
      )
    }
    let optimizer = try OptimizerRegistry.standard.makeOptimizer(
      ComponentConfiguration(run.optimizer.lowercased(), run.config), parameters: parameters)
    for (step, stepGradients) in run.gradients.enumerated() {
      optimizer.learningRate = run.learningRates[step]
      var gradients = Gradients()
      for (variable, values) in zip(parameters, stepGradients) {
        gradients[variable.parameter] = Tensor(values.map(\.value), shape: variable.parameter.shape)
      }
      optimizer.apply(gradients)
      for (variable, expected) in zip(parameters, run.expected.parameters[step]) {
        expect(variable.parameter.value.elements(), expected, "\(run.id) step \(step) \(variable.name)")
      }
    }
    let state = optimizer.state()
    #expect(state.counters.iterations == run.expected.iterations, "\(run.id)")
    #expect(state.tensors.count == run.expected.slots.count * parameters.count, "\(run.id)")
    for (slot, variables) in run.expected.slots {
      for (variable, expected) in zip(parameters, variables) {
        let tensor = try #require(state.tensors["\(slot)/\(variable.name)"], "\(run.id) \(slot)")
        expect(tensor.elements(), expected, "\(run.id) \(slot) of \(variable.name)")
      }
    }
  }

  private func expect(_ values: [Float], _ expected: [GoldenNumber], _ place: String) {
    #expect(values.count == expected.count, "\(place)")
    for (index, (value, golden)) in zip(values, expected).enumerated() {
      let reference = golden.value
      let close =
        reference.isFinite
        ? abs(value - reference) <= 5e-6 * (1 + abs(reference))
        : reference.isNaN ? value.isNaN : value == reference
      #expect(close, "\(place)[\(index)]: \(value), Keras \(reference)")
    }
  }
}
