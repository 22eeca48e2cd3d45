import PluginConfiguration
import Tensor

/// The update rules that a configuration can name.
public struct OptimizerRegistry: Sendable {
  /// Makes a rule from its arguments.
  public typealias Factory = @Sendable (inout ConfigurationArguments) throws -> any UpdateRule

  private var factories: [String: Factory] = [:]

  public init() {}

  /// `adam`, `amsgrad`, `adamw` and `sgd`, with arguments as Keras spells them.
  public static let standard: OptimizerRegistry = {
    var registry = OptimizerRegistry()
    registry.register("adam") { try Adam(arguments: &$0) }
    registry.register("amsgrad") { try Adam(arguments: &$0, amsgrad: true) }
    registry.register("adamw") { try Adam(arguments: &$0, defaultWeightDecay: 0.004) }
    registry.register("sgd") { try SGD(arguments: &$0) }
    return registry
  }()

  /// The names, in alphabetical order.
  public var names: [String] { factories.keys.sorted() }

  /// Adds a rule under a name, or replaces the one of that name.
  public mutating func register(_ name: String, _ factory: @escaping Factory) { factories[name] = factory }

  /// Makes the optimizer that a configuration describes.
  ///
  /// Beside the rule's own arguments it takes `learning_rate`, one of `clipnorm`, `global_clipnorm` and `clipvalue`, `weight_decay` and `gradient_accumulation_steps`.
  /// - Throws: `ConfigurationError` for an unknown name or argument, or a value that can't be.
  public func makeOptimizer(
    _ configuration: ComponentConfiguration, parameters: [NamedParameter]
  ) throws -> Optimizer {
    guard let factory = factories[configuration.name] else {
      throw ConfigurationError.unknownName(kind: "optimizer", name: configuration.name, known: names)
    }
    var arguments = ConfigurationArguments(configuration)
    let rule = try factory(&arguments)
    let rate = try arguments.optionalNumber("learning_rate", in: 0...1000)
    let clipping = try Self.clipping(&arguments)
    let decay = try arguments.optionalNumber("weight_decay", in: 0...1)
    let steps = try arguments.integer("gradient_accumulation_steps", default: 1, in: 1...)
    try arguments.requireAllRead()
    return Optimizer(
      rule, parameters: parameters, learningRate: rate.map { Float($0) }, clipping: clipping,
      weightDecay: decay.map { Float($0) },
      accumulationSteps: steps)
  }

  private static func clipping(_ arguments: inout ConfigurationArguments) throws -> GradientClipping? {
    let positive = Double(Float.leastNormalMagnitude)...Double(Float.greatestFiniteMagnitude)
    var given: [(name: String, clipping: GradientClipping)] = []
    if let limit = try arguments.optionalNumber("clipnorm", in: positive) {
      given.append(("clipnorm", .byNorm(Float(limit))))
    }
    if let limit = try arguments.optionalNumber("global_clipnorm", in: positive) {
      given.append(("global_clipnorm", .byGlobalNorm(Float(limit))))
    }
    if let limit = try arguments.optionalNumber("clipvalue", in: positive) {
      given.append(("clipvalue", .byValue(Float(limit))))
    }
    guard given.count <= 1 else {
      throw ConfigurationError.conflict(component: arguments.component, arguments: given.map(\.name))
    }
    return given.first?.clipping
  }
}

extension Adam {
  /// Reads `beta_1`, `beta_2`, `epsilon` and, where the name does not say it, `amsgrad`.
  init(
    arguments: inout ConfigurationArguments, amsgrad: Bool? = nil, defaultWeightDecay: Float = 0
  ) throws {
    self.init(
      beta1: try arguments.number("beta_1", default: 0.9, in: 0...0.999_999),
      beta2: try arguments.number("beta_2", default: 0.999, in: 0...0.999_999),
      epsilon: Float(try arguments.number("epsilon", default: 1e-7, in: 0...1)),
      amsgrad: try amsgrad ?? arguments.boolean("amsgrad", default: false),
      defaultWeightDecay: defaultWeightDecay)
  }
}

extension SGD {
  /// Reads `momentum` and `nesterov`.
  init(arguments: inout ConfigurationArguments) throws {
    self.init(
      momentum: Float(try arguments.number("momentum", default: 0, in: 0...1)),
      nesterov: try arguments.boolean("nesterov", default: false))
  }
}
