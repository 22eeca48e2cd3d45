import PluginConfiguration

/// The callbacks that a configuration can name.
///
/// A new callback is one file with its class and one line here:
/// ```swift
/// registry.register("stop_at_night") { arguments in
///   StopAtNight(hour: try arguments.integer("hour", default: 22, in: 0...23))
/// }
/// ```
public struct CallbackRegistry: Sendable {
  /// Makes a callback from its arguments.
  public typealias Factory = @Sendable (inout ConfigurationArguments) throws -> any Callback

  private var factories: [String: Factory] = [:]

  public init() {}

  /// The stock callbacks, with arguments as Keras (one_cycle: PyTorch) spells them.
  public static let standard: CallbackRegistry = {
    var registry = CallbackRegistry()
    registry.register("early_stopping") { try EarlyStopping(arguments: &$0) }
    registry.register("delayed_early_stopping") { try EarlyStopping(delayed: &$0) }
    registry.register("reduce_lr_on_plateau") { try ReduceLROnPlateau(arguments: &$0) }
    registry.register("model_checkpoint") { try ModelCheckpoint(arguments: &$0) }
    registry.register("exact_match_checkpoint") { try ExactMatchCheckpoint(arguments: &$0) }
    registry.register("warmup_learning_rate") { try WarmupLearningRate(arguments: &$0) }
    registry.register("one_cycle") { try OneCycle(arguments: &$0) }
    registry.register("cosine_decay") { try CosineDecay(arguments: &$0) }
    registry.register("cosine_decay_restarts") { try CosineDecayRestarts(arguments: &$0) }
    registry.register("exponential_decay") { try ExponentialDecay(arguments: &$0) }
    registry.register("exponential_moving_average") { try ExponentialMovingAverage(arguments: &$0) }
    registry.register("terminate_on_non_finite") { try TerminateOnNonFinite(arguments: &$0) }
    registry.register("gradient_monitor") { try GradientMonitor(arguments: &$0) }
    registry.register("stuck_detector") { try StuckDetector(arguments: &$0) }
    registry.register("time_budget") { TimeBudget(seconds: try $0.number("seconds", in: 0...)) }
    return registry
  }()

  /// The names, in alphabetical order.
  public var names: [String] { factories.keys.sorted() }

  /// Adds a callback under a name, or replaces the one of that name.
  public mutating func register(_ name: String, _ factory: @escaping Factory) { factories[name] = factory }

  /// Makes the callback that a configuration names.
  ///
  /// - Throws: `ConfigurationError` for an unknown name or argument, or a value that can't be.
  public func makeCallback(_ configuration: ComponentConfiguration) throws -> any Callback {
    guard let factory = factories[configuration.name] else {
      throw ConfigurationError.unknownName(kind: "callback", name: configuration.name, known: names)
    }
    var arguments = ConfigurationArguments(configuration)
    let callback = try factory(&arguments)
    try arguments.requireAllRead()
    return callback
  }

  /// Makes a list of callbacks, in the order of the configurations.
  public func makeCallbacks(_ configurations: [ComponentConfiguration]) throws -> [any Callback] {
    try configurations.map(makeCallback)
  }
}
