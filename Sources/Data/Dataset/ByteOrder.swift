extension String {
  /// Whether the bytes are the same: two files may have names that Swift's `==` takes for one, since they differ only in
  /// how accents are written.
  func hasSameBytes(as other: String) -> Bool { self == other && utf8.elementsEqual(other.utf8) }

  /// An order of names in which those of equal characters are ordered by their bytes, so that no two files are equal.
  func precedes(_ other: String) -> Bool {
    self == other ? utf8.lexicographicallyPrecedes(other.utf8) : self < other
  }
}
