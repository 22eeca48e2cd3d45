import Data
import Foundation
import Layers
import Models
import PluginConfiguration
import Testing

@testable import CLI

@Suite struct ConfigurationTests {
  /// The message that reading `yaml` fails with.
  private func problem(_ yaml: String, set overrides: String...) -> String {
    do {
      _ = try TrainingConfiguration(yaml: yaml, named: "train.yaml", overrides: overrides)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: Recipe.allCases)
  func writtenConfigurationReadsBackEqual(_ recipe: Recipe) throws {
    let configuration = try TrainingConfiguration(
      recipe: recipe,
      overrides: [
        "data.path='a folder: with # odd \"signs\"'", "model.filters=[8, 16, 32, 64, 64]", "model.dense_dropout=0.25",
        "model.head=positions", "loss={name: focal, gamma: 1.5, alpha: 0.1}", "training.epochs=7",
        "seed=9007199254740993",
        "callbacks.model_checkpoint.mode=min",
        "data.augmentations=[gaussian_noise, {name: random_affine, rotation: 2.5, probability: 0.5}]",
      ])
    let copy = try TrainingConfiguration(yaml: configuration.yaml(), named: "copy")
    #expect(copy == configuration)
    #expect(copy.data.path == "a folder: with # odd \"signs\"")
    #expect(copy.loss.alpha == 0.1)
    #expect(copy.seed == 9_007_199_254_740_993)
  }

  @Test func cacheAndPrefetchReadBackEqual() throws {
    let configuration = try TrainingConfiguration(
      recipe: .seed, overrides: ["data.path=a", "data.cache='of \"many\" images'", "training.prefetch=0"])
    #expect(configuration.data.cache == "of \"many\" images" && configuration.training.prefetch == 0)
    #expect(try TrainingConfiguration(yaml: configuration.yaml(), named: "copy") == configuration)
  }

  @Test func whatAFileLeavesOutIsTheRecipes() throws {
    let partial = try TrainingConfiguration(
      yaml: "training:\n  epochs: 3\nmodel: {architecture: basic}\n", named: "train.yaml")
    var expected = try TrainingConfiguration(recipe: .seed)
    expected.training.epochs = 3
    expected.model.architecture = "basic"
    #expect(partial == expected)
    #expect(try TrainingConfiguration(yaml: "", named: "empty.yaml") == TrainingConfiguration(recipe: .seed))
  }

  @Test func aNamedComponentHasOnlyItsOwnArguments() throws {
    let named = try TrainingConfiguration(yaml: "optimizer: {name: sgd, momentum: 0.9}", named: "train.yaml")
    #expect(named.optimizer == ComponentConfiguration("sgd", ["momentum": 0.9]))
    let changed = try TrainingConfiguration(yaml: "optimizer: {learning_rate: 0.01}", named: "train.yaml")
    #expect(
      changed.optimizer
        == ComponentConfiguration("adam", ["learning_rate": 0.01, "amsgrad": true, "clipnorm": 1.0]))
    let bare = try TrainingConfiguration(yaml: "optimizer: adamw\ncallbacks: [terminate_on_non_finite]", named: "t")
    #expect(bare.optimizer == ComponentConfiguration("adamw"))
    #expect(bare.callbacks == [ComponentConfiguration("terminate_on_non_finite")])
  }

  @Test func augmentationsAreComponents() throws {
    let yaml = "data: {augmentations: [gaussian_noise, {name: cutout, size: 0.5}]}"
    let configuration = try TrainingConfiguration(
      yaml: yaml, named: "t",
      overrides: ["data.augmentations.gaussian_noise.stddev=0.1", "data.augmentations.1.count=2"])
    #expect(
      configuration.data.augmentations == [
        ComponentConfiguration("gaussian_noise", ["stddev": 0.1]),
        ComponentConfiguration("cutout", ["size": 0.5, "count": 2]),
      ])
    #expect(
      problem("data: {augmentations: [cut_out]}")
        == "train.yaml:1: data.augmentations.0: there is no augmentation \"cut_out\"; did you mean \"cutout\"?")
    #expect(
      problem("data: {augmentations: [{name: cutout, size: 2}]}")
        == "train.yaml:1: data.augmentations.0: cutout: size is 2; give a number from 0.0 to 1.0")
    #expect(
      problem(yaml, set: "data.augmentations.cut_out.size=1")
        == "--set data.augmentations.cut_out.size=1: data.augmentations has no \"cut_out\"; did you mean \"cutout\"?")
    #expect(
      problem("model: {color_mode: grayscale}\ndata: {augmentations: [color_jitter]}")
        == "train.yaml:2: data.augmentations: color_jitter: color_mode is grayscale; give rgb")
  }

  @Test func unknownKeysNameTheNearest() {
    #expect(
      problem("data:\n  pth: images\n")
        == "train.yaml:2: unknown key \"pth\" in data; did you mean \"path\"?")
    #expect(problem("trainign: {epochs: 3}") == "train.yaml:1: unknown key \"trainign\"; did you mean \"training\"?")
    #expect(problem("training: {batchSize: 3}").contains("did you mean \"batch_size\"?"))
    #expect(problem("model:\n\n  colourMode: rgb").hasPrefix("train.yaml:3: unknown key \"colourMode\" in model"))
    #expect(problem("data: {generate: {length: 4}}").contains("in data.generate; did you mean \"lengths\"?"))
    #expect(
      problem("training: {zebra: 3}")
        == "train.yaml:1: unknown key \"zebra\" in training; use one of batch_size, epochs, precision, prefetch")
    #expect(problem("optimizer: {name: adam, learning_rat: 1}").contains("did you mean \"learning_rate\"?"))
    #expect(problem("optimizer: adm").contains("did you mean \"adam\"?"))
    #expect(problem("loss: {name: focal, gama: 1}").contains("did you mean \"gamma\"?"))
    #expect(problem("loss: sofmax") == "train.yaml:1: loss: there is no loss \"sofmax\"; did you mean \"softmax\"?")
    #expect(
      problem("callbacks:\n- name: one_cycle\n  max_lr: 0.1\n- name: reduce_lr_on_platau\n")
        .hasPrefix("train.yaml:4: callbacks.1: "))
    #expect(problem("callbacks: [reduce_lr_on_platau]").contains("did you mean \"reduce_lr_on_plateau\"?"))
  }

  @Test func wrongValuesNameKeyValueAndWhatIsAllowed() {
    #expect(
      problem("training:\n  epochs: many")
        == "train.yaml:2: training.epochs is many; give a whole number, 1 to 1000000")
    #expect(problem("training: {epochs: 0}").contains("training.epochs is 0"))
    #expect(problem("training: {epochs: 2.5}").contains("training.epochs is 2.5"))
    #expect(problem("training: {epochs: '3'}").contains("training.epochs is 3"))
    #expect(problem("training: {epochs: [3]}").contains("training.epochs is a list"))
    #expect(problem("training: 3").contains("training is 3; give a section with keys"))
    #expect(problem("training: {epochs: null}").contains("training.epochs is missing"))
    #expect(problem("data: {validation_fraction: 1.5}").contains("a number from 0.001 to 0.999"))
    #expect(
      problem("model: {color_mode: gray}") == "train.yaml:1: model.color_mode is gray; give grayscale or rgb")
    let names = ModelZoo.names.joined(separator: ", ")
    #expect(problem("model: {architecture: vgg}").contains("use one of \(names)"))
    #expect(problem("model: {charset: aab}").contains("\"a\" more than once"))
    #expect(problem("model: {filters: [8, -1]}").contains("model.filters is -1"))
    #expect(problem("model: {dense_dropout: 1}").contains("model.dense_dropout is 1"))
    #expect(problem("data: {generate: {types: [digit, words]}}").contains("data.generate.types is words"))
    #expect(problem("data: {generate: {types: []}}").contains("data.generate.types"))
    #expect(problem("data: {generate: {lengths: 8...4}}").contains("data.generate.lengths is 8...4"))
    #expect(problem("loss: {name: focal, alpha: 2}").contains("alpha is 2"))
    #expect(problem("optimizer: {name: adam, clipnorm: 1, clipvalue: 1}").contains("exclude each other"))
    #expect(problem("optimizer: {name: adam, learning_rate: fast}").contains("learning_rate is \"fast\""))
    #expect(problem("data: {generate: {fresh: often}}").contains("data.generate.fresh is often; give true or false"))
    #expect(problem("data: {validation_path: there}").contains("data.path is missing"))
    #expect(problem("callbacks: {name: one_cycle}").contains("callbacks is a section; give a list"))
  }

  @Test func imagesThatTheModelCannotReadAreNotDrawn() {
    #expect(problem("model: {maximum_length: 4}").contains("data.generate.lengths is 4...8, longer than"))
    #expect(problem("model: {charset: '0123456789'}").contains("no character for the type alpha"))
    #expect(
      problem("data: {generate: {math_label: question}}")
        .contains("add *+-=? to model.charset"))
    #expect(
      problem("data: {generate: {types: [math]}}\nmodel: {maximum_length: 2}")
        .contains("make model.maximum_length at least 3"))
    // Without drawing none of this matters.
    #expect(problem("model: {maximum_length: 4}\ndata: {path: images}") == "no error")
  }

  @Test func whatIsNoConfigurationIsRefused() {
    #expect(problem("training: {epochs: 3").hasPrefix("train.yaml:"))
    #expect(problem("training: {epochs: 3").contains("this is not YAML"))
    // Nine aliases of nine aliases, and so on: 9¹⁰ values.
    let lines = zip("abcdefghi", "bcdefghij").map {
      "\($1): &\($1) [\(Array(repeating: "*\($0)", count: 9).joined(separator: ", "))]"
    }
    let bomb = (["a: &a [x, x, x, x, x, x, x, x, x]"] + lines).joined(separator: "\n")
    #expect(problem(bomb).contains("more than 100000 values"))
    #expect(problem("seed: 1\nseed: 2").contains("\"seed\" is given twice"))
    #expect(problem("- a\n- b").contains("this is a list, not a configuration"))
    #expect(problem("hello").contains("this is hello, not a configuration"))
  }

  @Test func overridesReachEveryPlace() throws {
    let configuration = try TrainingConfiguration(
      recipe: .seed,
      overrides: [
        "training.epochs=3", "model.filters=[4, 8, 8, 8, 8]", "callbacks.2.patience=5",
        "callbacks.warmup_learning_rate.warmup_epochs=2", "optimizer.learning_rate=1e-4", "data.path=images",
        "data.generate.types=[digit]",
      ])
    #expect(configuration.training.epochs == 3)
    #expect(configuration.model.filters == [4, 8, 8, 8, 8])
    #expect(configuration.callbacks[2].arguments["patience"] == 5)
    #expect(configuration.callbacks[3].arguments["warmup_epochs"] == 2)
    #expect(configuration.optimizer.arguments["learning_rate"] == 0.0001)
    #expect(configuration.data.path == "images")
    #expect(configuration.data.generate.types == [.digit])
    #expect(try TrainingConfiguration(recipe: .seed, overrides: ["callbacks=[]"]).callbacks.isEmpty)
    // Another component has other arguments.
    let sgd = try TrainingConfiguration(recipe: .seed, overrides: ["optimizer.name=sgd", "optimizer.momentum=0.9"])
    #expect(sgd.optimizer == ComponentConfiguration("sgd", ["momentum": 0.9]))
    // A later one wins.
    #expect(try TrainingConfiguration(recipe: .seed, overrides: ["seed=1", "seed=2"]).seed == 2)
  }

  @Test func wrongOverridesNameThemselves() {
    #expect(problem("", set: "training.epochs").hasPrefix("--set training.epochs: not of the form key.path=value"))
    #expect(problem("", set: "=3").contains("not of the form"))
    #expect(problem("", set: "training.epoch=3").contains("--set training.epoch=3: unknown key \"epoch\" in training"))
    #expect(problem("", set: "training.epochs=x").hasPrefix("--set training.epochs=x: training.epochs is x"))
    #expect(problem("", set: "seed.x=1").contains("seed is 42 and has no keys"))
    #expect(problem("", set: "callbacks.9.patience=1").contains("callbacks has 5 elements"))
    #expect(problem("", set: "callbacks.one_cycl.x=1").contains("callbacks has no \"one_cycl\""))
    #expect(problem("", set: "callbacks.reduce_lr.patience=1").hasPrefix("--set callbacks.reduce_lr.patience=1"))
    #expect(
      problem(
        "callbacks: [terminate_on_non_finite, terminate_on_non_finite]", set: "callbacks.terminate_on_non_finite.x=1"
      )
      .contains("callbacks.0 or callbacks.1"))
    #expect(problem("", set: "model.filters=[1").contains("this is not YAML"))
  }

  @Test(arguments: [
    ("4...8", 4...8), ("4-8", 4...8), ("6", 6...6), ("1...1", 1...1),
  ])
  func lengthsAreRead(_ text: String, _ range: ClosedRange<Int>) { #expect(LengthRange(text)?.range == range) }

  @Test(arguments: ["", "8...4", "0", "-3", "4..8", "4-", "a", "1-2-3", "4...8...9"])
  func otherLengthsAreNot(_ text: String) { #expect(LengthRange(text) == nil) }
}
