import CClassicModel
import Foundation
import Tensor

extension ModelFile {
  /// What the model that comes with this package is called.
  public static let classicName = "classic"

  /// The file of the model that comes with this package, byte for byte. It is a part of the program, and nothing is copied.
  ///
  /// It reads images of 200×60 pixels as the original generator draws them, of all four types; docs/model-card.md says how
  /// well, and what it cannot do.
  public static let classic = Foundation.Data(
    // Nobody writes there: `Data` copies the bytes before it changes them.
    bytesNoCopy: UnsafeMutableRawPointer(mutating: classic_model_bytes()), count: classic_model_size(),
    deallocator: .none)

  /// The content of that file.
  ///
  /// - Throws: `SafetensorsError` if the package was built with a damaged file.
  public static func classicContent() throws -> Safetensors { try Safetensors(classic, file: classicName) }
}

extension Recognizer {
  /// Loads the model that comes with this package, which reads classic images at once.
  ///
  /// ```swift
  /// print(try Recognizer.classic().read(path: "captcha.png").text)
  /// ```
  /// Any recogniser resizes what it is given, but this one knows images of 200×60 pixels only.
  /// - Throws: an error if the package was built with a damaged file.
  public static func classic() throws -> Recognizer {
    try Recognizer(ModelFile.classicContent(), file: ModelFile.classicName)
  }
}
