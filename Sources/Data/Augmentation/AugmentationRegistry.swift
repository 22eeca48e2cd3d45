import PluginConfiguration

/// The augmentations that a configuration can name.
///
/// A new augmentation is one file with its type and one line here:
/// ```swift
/// registry.register("salt_and_pepper") { arguments in
///   SaltAndPepper(share: Float(try arguments.number("share", default: 0.01, in: 0...1)))
/// }
/// ```
public struct AugmentationRegistry: Sendable {
  /// Makes an augmentation from its arguments.
  public typealias Factory = @Sendable (inout ConfigurationArguments) throws -> any Augmentation

  private var factories: [String: Factory] = [:]

  public init() {}

  /// The stock augmentations.
  public static let standard: AugmentationRegistry = {
    var registry = AugmentationRegistry()
    registry.register("random_brightness") { RandomBrightness(factor: try $0.float("factor", default: 0.2, in: 0...1)) }
    registry.register("random_contrast") { RandomContrast(factor: try $0.float("factor", default: 0.2, in: 0...1)) }
    registry.register("gaussian_noise") {
      GaussianNoise(standardDeviation: try $0.float("stddev", default: 0.05, in: 0...1))
    }
    registry.register("random_affine") {
      RandomAffine(
        rotation: try $0.float("rotation", default: 5, in: 0...180),
        shear: try $0.float("shear", default: 5, in: 0...60),
        shift: try $0.float("shift", default: 0.03, in: 0...1),
        scale: try $0.float("scale", default: 0, in: 0...0.9))
    }
    registry.register("cutout") {
      Cutout(
        size: try $0.float("size", default: 0.25, in: 0...1), count: try $0.integer("count", default: 1, in: 1...100))
    }
    registry.register("random_gaussian_blur") {
      RandomGaussianBlur(sigma: try $0.float("sigma", default: 1, in: 0...20))
    }
    registry.register("color_jitter") {
      ColorJitter(
        saturation: try $0.float("saturation", default: 0.3, in: 0...1),
        hue: try $0.float("hue", default: 0.05, in: 0...0.5))
    }
    return registry
  }()

  /// The names, in alphabetical order.
  public var names: [String] { factories.keys.sorted() }

  /// Adds an augmentation under a name, or replaces the one of that name.
  public mutating func register(_ name: String, _ factory: @escaping Factory) { factories[name] = factory }

  /// Makes the augmentation that a configuration names. Beside its own arguments each takes `probability`, the share of
  /// the images that it changes, 1 by default.
  ///
  /// - Throws: `ConfigurationError` for an unknown name or argument, or a value that can't be.
  public func makeAugmentation(_ configuration: ComponentConfiguration) throws -> any Augmentation {
    guard let factory = factories[configuration.name] else {
      throw ConfigurationError.unknownName(kind: "augmentation", name: configuration.name, known: names)
    }
    var arguments = ConfigurationArguments(configuration)
    let probability = try arguments.float("probability", default: 1, in: 0...1)
    let augmentation = try factory(&arguments)
    try arguments.requireAllRead()
    return probability < 1 ? RandomApply(augmentation, probability: probability) : augmentation
  }

  /// Makes augmentations for images of `mode`, in the order of the configurations.
  ///
  /// - Throws: also `ConfigurationError` for one that can't change images of that mode.
  public func makeAugmentations(
    _ configurations: [ComponentConfiguration], for mode: ColorMode
  ) throws -> [any Augmentation] {
    try configurations.map { configuration in
      let augmentation = try makeAugmentation(configuration)
      guard augmentation.supports(mode) else {
        throw ConfigurationError.invalidValue(
          component: configuration.name, argument: "color_mode", value: mode.rawValue,
          expected: ColorMode.allCases.filter(augmentation.supports).map(\.rawValue).joined(separator: " or "))
      }
      return augmentation
    }
  }
}

extension ConfigurationArguments {
  fileprivate mutating func float(
    _ name: String, default fallback: Double, in range: ClosedRange<Double>
  ) throws -> Float {
    Float(try number(name, default: fallback, in: range))
  }
}
