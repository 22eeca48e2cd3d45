import Foundation
import PluginConfiguration
import Testing

@Suite struct PluginConfigurationTests {
  @Test func componentsAreReadFromNamesAndObjects() throws {
    let json = #"["adam", {"name": "sgd", "momentum": 0.9, "nesterov": true, "steps": [1, null, "a"]}]"#
    let components = try JSONDecoder().decode([ComponentConfiguration].self, from: Data(json.utf8))
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
      try JSONDecoder().decode(ComponentConfiguration.self, from: Data(#"{"momentum": 1}"#.utf8))
    }
  }

  @Test func nearestNameIsTheOneWithTheFewestChanges() {
    let names = ["early_stopping", "model_checkpoint", "reduce_lr_on_plateau"]
    #expect(nearestName(to: "EarlyStoping", in: names) == "early_stopping")
    #expect(nearestName(to: "ReduceLROnPlateau", in: names) == "reduce_lr_on_plateau")
    #expect(nearestName(to: "one_cycle", in: names) == nil)
  }
}
