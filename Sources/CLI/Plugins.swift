import ArgumentParser
import Callbacks
import Data
import Optimizers
import Training

/// What a program of one's own adds to `captcha-cli`.
///
/// ```swift
/// import CLI
/// import StopAtTarget
///
/// var plugins = Plugins()
/// plugins.callbacks.registerStopAtTarget()
/// CaptchaCommand.runAndExit(plugins: plugins)
/// ```
/// That is a whole `main.swift`: the program has all commands, and configurations can name the added callback.
public struct Plugins: Sendable {
  /// The callbacks that configurations can name, at first the stock ones.
  public var callbacks = CallbackRegistry.standard
  /// The optimizers that configurations can name, at first the stock ones.
  public var optimizers = OptimizerRegistry.standard
  /// The augmentations that configurations can name, at first the stock ones.
  public var augmentations = AugmentationRegistry.standard
  /// Make event sinks for each training, beside those that write the run's own files.
  public var sinks: [@Sendable (RunDirectory) throws -> any EventSink] = []
  /// Further subcommands.
  public var commands: [any ParsableCommand.Type] = []

  public init() {}

  /// Those of the running program.
  @TaskLocal static var current = Plugins()
}
