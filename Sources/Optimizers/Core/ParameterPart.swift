import Tensor

/// The numbers that a rule works on at a time.
public typealias Lanes = SIMD8<Float>

/// A contiguous part of one parameter with its gradient and its moments, as one thread works on it.
///
/// Clipping and weight decay are folded into reading, so that a whole step is one pass over memory.
public struct ParameterPart: @unchecked Sendable {
  var weights: UnsafeMutablePointer<Float>
  var gradient: UnsafePointer<Float>
  /// The first slot's elements of this part; those of slot `index` begin `index * slotStride` later.
  var slots: UnsafeMutablePointer<Float>
  var slotStride: Int
  let slotCount: Int
  var count: Int
  let preparation: GradientPreparation
  /// The factor on the weights before the update: 1 − decay·rate.
  let retention: Float

  /// Calls `body` for eight elements at a time; the last block is filled up with zeros, of which nothing is kept.
  @inline(__always)
  public func forEachBlock(_ body: (Block) -> Void) {
    let width = Lanes.scalarCount
    let rest = count % width
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width * (2 + slotCount)) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      // The whole blocks where they lie, then a copy of the rest: the body stands in one place and is inlined there.
      var run = self
      run.count = count - rest
      while true {
        var start = 0
        while start < run.count {
          body(Block(part: run, start: start))
          start += width
        }
        if run.weights == scratch { return copyRest(rest, from: scratch) }
        if rest == 0 { return }
        run = restCopied(rest, to: scratch)
      }
    }
  }

  /// The last `rest` elements, moved to `scratch`: weights, gradient, then each slot, a block each.
  private func restCopied(_ rest: Int, to scratch: UnsafeMutablePointer<Float>) -> ParameterPart {
    let width = Lanes.scalarCount
    scratch.update(repeating: 0, count: width * (2 + slotCount))
    var copy = self
    copy.weights = scratch
    copy.gradient = UnsafePointer(scratch + width)
    copy.slots = scratch + 2 * width
    copy.slotStride = width
    copy.count = width
    scratch.update(from: weights + count - rest, count: rest)
    (scratch + width).update(from: gradient + count - rest, count: rest)
    for slot in 0..<slotCount {
      (copy.slots + slot * width).update(from: slots + slot * slotStride + count - rest, count: rest)
    }
    return copy
  }

  /// Moves what the body left in `scratch` back.
  private func copyRest(_ rest: Int, from scratch: UnsafeMutablePointer<Float>) {
    let width = Lanes.scalarCount
    (weights + count - rest).update(from: scratch, count: rest)
    for slot in 0..<slotCount {
      (slots + slot * slotStride + count - rest).update(from: scratch + (2 + slot) * width, count: rest)
    }
  }

  /// One step of Adam on the whole part, whose slots are the mean, the mean square and, for AMSGrad, the largest mean
  /// square so far. A vector loop of its own, since memory should set the pace of the rule that every large training uses.
  func adam(meanGain: Float, squareGain: Float, rate: Float, epsilon: Float, amsgrad: Bool) {
    let step = AdamStep(
      gradientScale: preparation.scale, gradientLimit: preparation.limit, retention: retention, meanGain: meanGain,
      squareGain: squareGain, rate: rate, epsilon: epsilon)
    step.apply(
      count: count, gradient: gradient, weights: weights, mean: slots, square: slots + slotStride,
      largest: amsgrad ? slots + 2 * slotStride : nil)
  }

  /// Eight elements of the part.
  public struct Block {
    let part: ParameterPart
    let start: Int

    /// The weights after weight decay; what is assigned is written back.
    @inline(__always)
    public var weights: Lanes {
      get { part.retention * Self.read(UnsafePointer(part.weights + start)) }
      nonmutating set { Self.write(newValue, part.weights + start) }
    }

    /// The gradient after accumulation and clipping.
    @inline(__always)
    public var gradient: Lanes {
      let scaled = part.preparation.scale * Self.read(part.gradient + start)
      let limit = part.preparation.limit
      if limit == .infinity { return scaled }
      return scaled.replacing(with: limit, where: scaled .> limit).replacing(with: -limit, where: scaled .< -limit)
    }

    /// The moments of slot `index` in the rule's list; what is assigned is written back.
    ///
    /// Numbers too small for Float's full precision become zero, as in TensorFlow: arithmetic on them is a hundred times
    /// slower, and the moments of idle units would stay there for ever.
    @inline(__always)
    public subscript(slot index: Int) -> Lanes {
      get { Self.read(UnsafePointer(part.slots + index * part.slotStride + start)) }
      nonmutating set {
        let smallest = Float.leastNormalMagnitude
        Self.write(
          newValue.replacing(with: 0, where: (newValue .< smallest) .& (newValue .> -smallest)),
          part.slots + index * part.slotStride + start)
      }
    }

    @inline(__always)
    private static func read(_ base: UnsafePointer<Float>) -> Lanes {
      UnsafeRawPointer(base).loadUnaligned(as: Lanes.self)
    }

    @inline(__always)
    private static func write(_ values: Lanes, _ base: UnsafeMutablePointer<Float>) {
      UnsafeMutableRawPointer(base).storeBytes(of: values, as: Lanes.self)
    }
  }
}

/// What happens to a gradient before the rule sees it.
struct GradientPreparation: Sendable {
  /// The factor on every element.
  var scale: Float = 1
  /// The largest magnitude of an element after the factor.
  var limit = Float.infinity
}
