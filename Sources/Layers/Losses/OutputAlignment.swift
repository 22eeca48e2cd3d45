/// What a model's rows of outputs stand for.
public enum OutputAlignment: String, Sendable, Codable, CaseIterable {
  /// Row p is the label's character p, or padding.
  case positions
  /// Row t is what the image shows at column t, from left to right: a character, or nothing new. The characters may lie at
  /// any columns, as connectionist temporal classification has it.
  case columns
}
