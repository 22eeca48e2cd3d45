import Foundation
import Optimizers
import Testing

@Suite struct ConfigurationTests {
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

  @Test func componentsAreReadFromNamesAndObjects() throws {
    let json = #"["adam", {"name": "sgd", "momentum": 0.9, "nesterov": true, "steps": [1, null, "a"]}]"#
    let components = try JSONDecoder().decode([ComponentConfiguration].self, from: Foundation.Data(json.utf8))
    #expect(
      components == [
        ComponentConfiguration("adam"),
        ComponentConfiguration(
          "sgd", ["momentum": 0.9, "nesterov": true, "steps": .array([1, .null, "a"])]),
      ])
    let copy = try JSONDecoder().decode(
      [ComponentConfiguration].self, from: JSONEncoder().encode(components))
    #expect(copy == components)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(ComponentConfiguration.self, from: Foundation.Data(#"{"momentum": 1}"#.utf8))
    }
  }

  @Test func nearestNameIsTheOneWithTheFewestChanges() {
    let names = ["early_stopping", "model_checkpoint", "reduce_lr_on_plateau"]
    #expect(nearestName(to: "EarlyStoping", in: names) == "early_stopping")
    #expect(nearestName(to: "ReduceLROnPlateau", in: names) == "reduce_lr_on_plateau")
    #expect(nearestName(to: "one_cycle", in: names) == nil)
  }
}
