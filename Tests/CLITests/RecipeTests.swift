import Data
import Layers
import Models
import PluginConfiguration
import Testing

@testable import CLI

/// The shipped configurations against the numbers of the original system.
@Suite struct RecipeTests {
  @Test func seed() throws {
    let seed = try TrainingConfiguration(recipe: .seed)
    #expect(seed.model.architecture == "enhanced")
    #expect((seed.model.imageWidth, seed.model.imageHeight) == (200, 60))
    #expect(seed.model.colorMode == .rgb)
    #expect(try ModelZoo.model(seed.model).parameterCount == 22_041_912)
    #expect(seed.loss == LossConfiguration(name: "bce"))
    #expect(
      seed.optimizer
        == ComponentConfiguration("adam", ["learning_rate": 0.001, "amsgrad": true, "clipnorm": 1.0]))
    #expect(
      seed.training
        == TrainingConfiguration.LoopConfiguration(epochs: 200, batchSize: 128, precision: .float32, prefetch: 2))
    #expect(seed.data.cache == nil)
    #expect(seed.data.validationFraction == 0.2)
    #expect(
      seed.callbacks == [
        ComponentConfiguration("model_checkpoint", ["monitor": "val_loss", "filename": "best-val-loss"]),
        ComponentConfiguration(
          "delayed_early_stopping",
          [
            "monitor": "val_loss", "start_epoch": 50, "patience": 25, "min_delta": 0.0001,
            "restore_best_weights": true,
          ]),
        ComponentConfiguration(
          "reduce_lr_on_plateau",
          [
            "monitor": "val_loss", "factor": 0.5, "patience": 8, "cooldown": 2, "min_delta": 0.0001,
            "min_lr": 0.000001,
          ]),
        ComponentConfiguration(
          "warmup_learning_rate", ["start_lr": 0.0001, "target_lr": 0.001, "warmup_epochs": 15]),
        ComponentConfiguration(
          "exact_match_checkpoint", ["filename": "best-exact-match", "every": 5, "samples": 2000]),
      ])
  }

  @Test func seedBefore() throws {
    var expected = try TrainingConfiguration(recipe: .seed)
    expected.optimizer = ComponentConfiguration("adam", ["learning_rate": 0.0005, "amsgrad": true])
    expected.training.batchSize = 64
    expected.callbacks[1].arguments["start_epoch"] = 60
    expected.callbacks[1].arguments["patience"] = 20
    expected.callbacks[2].arguments["factor"] = 0.3
    expected.callbacks[2].arguments["patience"] = 5
    expected.callbacks[3].arguments = ["start_lr": 0.00005, "target_lr": 0.0005, "warmup_epochs": 10]
    #expect(try TrainingConfiguration(recipe: .seedBefore) == expected)
  }

  @Test func quickstartDrawsFourDigits() throws {
    let quickstart = try TrainingConfiguration(recipe: .quickstart)
    #expect(quickstart.data.path == nil)
    #expect(quickstart.data.generate.types == [.digit])
    #expect(quickstart.data.generate.lengths == 4...4)
    #expect(quickstart.model.codec.charset == .digits)
    #expect(quickstart.model.codec.maximumLength == 4)
  }
}
