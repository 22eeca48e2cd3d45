import Foundation
import Tensor

extension Layer {
  /// The parameters whose path, or that of a layer around them, matches a pattern with shell wildcards.
  ///
  /// `*` stands for any characters, `?` for one, `[…]` for one of several: `conv*` are all parameters of `conv1` and `conv2`,
  /// `*/bias` all biases, `res1` all parameters inside `res1`. Source: `fnmatch` of POSIX, without flags.
  public func parameters(matching pattern: String) -> [NamedParameter] {
    namedParameters.filter { item in item.layerPaths.contains { fnmatch(pattern, $0, 0) == 0 } }
  }
}

extension NamedParameter {
  /// The paths of the layers around the parameter, the outermost first, and its own: `res1`, `res1/conv1`,
  /// `res1/conv1/kernel`.
  public var layerPaths: [String] {
    let parts = name.split(separator: "/")
    return parts.indices.map { parts[...$0].joined(separator: "/") }
  }
}
