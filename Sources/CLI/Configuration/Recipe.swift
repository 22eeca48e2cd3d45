import Foundation

/// A configuration that comes with the program.
public enum Recipe: String, CaseIterable, Sendable {
  /// The original system's improved training.
  case seed
  /// What the original system used before that, to reproduce the improvement.
  case seedBefore = "seed-before"
  /// A net that reads well after little time.
  case fast
  /// The same with a wider net, for hours.
  case best
  /// The small one of `captcha-cli quickstart`.
  case quickstart

  /// All names, for help texts.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// The recipe's file, with its comments.
  public var yaml: String {
    let bytes =
      switch self {
      case .seed: PackageResources.seed_yaml
      case .seedBefore: PackageResources.seed_before_yaml
      case .fast: PackageResources.fast_yaml
      case .best: PackageResources.best_yaml
      case .quickstart: PackageResources.quickstart_yaml
      }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The recipe as a tree that a user's configuration is laid over.
  func root() throws -> ConfigurationNode { try ConfigurationNode(document: yaml, named: "recipe \(rawValue)") }
}
