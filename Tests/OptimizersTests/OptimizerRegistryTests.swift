import Optimizers
import PluginConfiguration
import Testing

@Suite struct OptimizerRegistryTests {
  private func message(_ name: String, _ arguments: [String: ConfigurationValue] = [:]) -> String? {
    do {
      _ = try OptimizerRegistry.standard.makeOptimizer(ComponentConfiguration(name, arguments), parameters: [])
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func errorsNameTheKeyAndTheRemedy() {
    #expect(message("adma") == "there is no optimizer \"adma\"; did you mean \"adam\"?")
    #expect(
      message("lion") == "there is no optimizer \"lion\"; choose one of: adam, adamw, amsgrad, sgd")
    #expect(message("adam", ["beta1": 0.8]) == "adam has no argument \"beta1\"; did you mean \"beta_1\"?")
    #expect(message("sgd", ["momentum": 2]) == "sgd: momentum is 2; give a number from 0.0 to 1.0")
    #expect(message("sgd", ["nesterov": "yes"]) == "sgd: nesterov is \"yes\"; give true or false")
    #expect(
      message("adam", ["clipnorm": 1, "clipvalue": 1])
        == "adam: clipnorm and clipvalue exclude each other; give one of them")
    #expect(message("adam", ["amsgrad": true, "learning_rate": 0.1, "weight_decay": .null]) == nil)
  }

  @Test func defaultsAreThoseOfKeras() throws {
    let adamW = try OptimizerRegistry.standard.makeOptimizer(ComponentConfiguration("adamw"), parameters: [])
    #expect(adamW.weightDecay == 0.004)
    #expect(adamW.learningRate == 0.001)
    let sgd = try OptimizerRegistry.standard.makeOptimizer(ComponentConfiguration("sgd"), parameters: [])
    #expect(sgd.learningRate == 0.01)
    #expect(sgd.weightDecay == 0)
  }
}
