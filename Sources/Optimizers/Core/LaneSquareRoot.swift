extension SIMD8<Float> {
  /// √x of every lane that is zero or a normal number ≥ 0, to within two units in the last place; NaN and infinity stay.
  ///
  /// The standard library's `squareRoot()` works lane by lane through the C library, several times slower than the memory
  /// can deliver the numbers. This is Newton's iteration for 1/√x from a first guess by the exponent (Lomont 2003): products
  /// and differences only, so every processor gives the same bits.
  @inline(__always)
  public var laneSquareRoots: Self {
    let half = 0.5 * self
    var inverse = unsafeBitCast(
      0x5F37_59DF &- (unsafeBitCast(self, to: SIMD8<UInt32>.self) &>> 1), to: SIMD8<Float>.self)
    // 3 % → 0.2 % → 5e-6, and the last step on the root itself makes it exact to rounding. The order of the factors keeps
    // 0 from meeting infinity.
    inverse *= 1.5 - half * inverse * inverse
    inverse *= 1.5 - half * inverse * inverse
    let root = self * inverse
    let refined = root + 0.5 * inverse * (self - root * root)
    return refined.replacing(with: .infinity, where: self .== .infinity)
  }
}
