import PluginConfiguration

// How the callbacks that change the learning rate read their arguments from a configuration.

extension ReduceLROnPlateau {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      monitor: try arguments.monitor(),
      mode: try arguments.choice("mode", default: .auto),
      factor: try arguments.number("factor", default: 0.1),
      patience: try arguments.integer("patience", default: 10, in: 0...),
      cooldown: try arguments.integer("cooldown", default: 0, in: 0...),
      minDelta: try arguments.number("min_delta", default: 1e-4),
      minLearningRate: try arguments.number("min_lr", default: 0, in: 0...),
      kerasCompatible: try arguments.kerasCompatible())
  }
}

extension WarmupLearningRate {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      start: try arguments.number("start_lr", in: 0...),
      target: try arguments.number("target_lr", in: 0...),
      epochs: try arguments.integer("warmup_epochs", in: 1...))
  }
}

extension OneCycle {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      maximum: try arguments.number("max_lr", in: 0...),
      warmupShare: try arguments.number("pct_start", default: 0.3, in: 0...1),
      initialDivisor: try arguments.number("div_factor", default: 25, in: 0...),
      finalDivisor: try arguments.number("final_div_factor", default: 1e4, in: 0...))
  }
}

extension CosineDecay {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      initialLearningRate: try arguments.number("initial_learning_rate", in: 0...),
      decaySteps: try arguments.optionalInteger("decay_steps", in: 1...),
      alpha: try arguments.number("alpha", default: 0, in: 0...1),
      warmupTarget: try arguments.optionalNumber("warmup_target", in: 0...),
      warmupSteps: try arguments.integer("warmup_steps", default: 0, in: 0...))
  }
}

extension CosineDecayRestarts {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      initialLearningRate: try arguments.number("initial_learning_rate", in: 0...),
      firstDecaySteps: try arguments.integer("first_decay_steps", in: 1...),
      tMul: try arguments.number("t_mul", default: 2, in: 1...),
      mMul: try arguments.number("m_mul", default: 1, in: 0...),
      alpha: try arguments.number("alpha", default: 0, in: 0...1))
  }
}

extension ExponentialDecay {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      initialLearningRate: try arguments.number("initial_learning_rate", in: 0...),
      decaySteps: try arguments.integer("decay_steps", in: 1...),
      decayRate: try arguments.number("decay_rate", in: 0...1),
      isStaircase: try arguments.boolean("staircase", default: false))
  }
}
