import Foundation

/// What is wrong with a configuration, in one line that names the place (file and line, or option), the key or value, and
/// what is allowed.
public struct ConfigurationFileError: Error, Equatable, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }

  init(_ origin: String, _ problem: String) { description = "\(origin): \(problem)" }
}
