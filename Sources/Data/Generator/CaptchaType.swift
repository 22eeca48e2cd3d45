/// What a drawn image asks its reader for.
public enum CaptchaType: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  /// Digits only.
  case digit
  /// Letters only, upper and lower case.
  case alpha
  /// Letters and digits.
  case mixed
  /// A sum such as `19+3=?`, drawn without interference.
  case math
}

/// The look of the drawn images.
public enum CaptchaStyle: String, CaseIterable, Codable, Sendable {
  /// The original Python system's look: bold rotated characters under lines, dots, arcs and sometimes blur.
  case classic
  /// The look of the Python package `captcha` 0.7.1 at its defaults: rotated and warped characters of one colour, dots
  /// and an arc.
  case library
}

/// What the label of an image of type ``CaptchaType/math`` is.
public enum MathLabel: String, CaseIterable, Codable, Sendable {
  /// The result: `22` for `19+3=?`.
  case answer
  /// What is drawn: `19+3=?`.
  case question
}
