/// Where numbers lie, floats or bfloat16.
struct NumberPointer: @unchecked Sendable {
  let address: UnsafeMutableRawPointer
  let dtype: DType

  /// The elements of a tensor, which must live as long.
  init(_ tensor: Tensor) {
    precondition(tensor.dtype == .float32 || tensor.dtype == .bfloat16, "NumberPointer: elements are \(tensor.dtype)")
    self.init(address: tensor.storage.bytes, dtype: tensor.dtype)
  }

  private init(address: UnsafeMutableRawPointer, dtype: DType) {
    (self.address, self.dtype) = (address, dtype)
  }

  static func + (numbers: NumberPointer, count: Int) -> NumberPointer {
    NumberPointer(address: numbers.address + count * numbers.dtype.size, dtype: numbers.dtype)
  }

  var isNarrow: Bool { dtype == .bfloat16 }
  /// What the kernels are told of it.
  var bfloat16: Int32 { isNarrow ? 1 : 0 }

  var floats: UnsafeMutablePointer<Float> {
    precondition(!isNarrow, "NumberPointer: bfloat16 where floats are needed")
    return address.assumingMemoryBound(to: Float.self)
  }

  private var halves: UnsafeMutablePointer<UInt16> { address.assumingMemoryBound(to: UInt16.self) }

  /// Writes `count` numbers in the form that `target` has, rounded to nearest even where that is bfloat16.
  func convert(_ count: Int, into target: NumberPointer) {
    switch (isNarrow, target.isNarrow) {
    case (false, false), (true, true): target.address.copyMemory(from: address, byteCount: count * dtype.size)
    case (true, false):
      let (from, to) = (halves, target.floats)
      for index in 0..<count { to[index] = Float(bitPattern: UInt32(from[index]) << 16) }
    case (false, true):
      let (from, to) = (floats, target.halves)
      for index in 0..<count {
        let bits = from[index].bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
        // A NaN stays one, whichever of its bits are set.
        to[index] = UInt16(truncatingIfNeeded: from[index].isNaN ? bits >> 16 | 0x40 : rounded)
      }
    }
  }
}

extension Tensor {
  /// The same numbers as float32, or rounded to bfloat16; not tracked.
  func converted(to dtype: DType) -> Tensor {
    if dtype == self.dtype { return detached }
    let result = Tensor(uninitialized: shape, dtype: dtype)
    Threads.forEachPart(of: shape.count, minimum: 65_536) { part, _ in
      (NumberPointer(self) + part.lowerBound).convert(part.count, into: NumberPointer(result) + part.lowerBound)
    }
    return result
  }
}
