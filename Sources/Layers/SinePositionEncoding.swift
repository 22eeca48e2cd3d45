import Foundation
import Tensor

/// Adds to each position of a sequence a pattern of its own, so that attention can tell where it is: x [N,T,C] → [N,T,C].
///
/// y[t, 2i] = x[t, 2i] + sin(t / wavelength^(2i / C)) and y[t, 2i + 1] = x[t, 2i + 1] + cos(t / wavelength^(2i / C)).
/// Nothing is learnt, so that a model can read sequences of up to `positions` whatever the length it was trained with.
/// Source: Vaswani et al. 2017.
public final class SinePositionEncoding: Layer {
  public let channels: Int
  /// The pattern of every position, one after the other.
  private let pattern: [Float]

  /// - Parameters:
  ///   - channels: C.
  ///   - positions: the longest sequence, T at most.
  ///   - wavelength: the length of the slowest wave is nearly 2π times this many positions.
  public init(_ channels: Int, positions: Int, wavelength: Double = 10_000) {
    precondition(
      channels > 0 && positions >= 0 && wavelength > 0,
      "SinePositionEncoding: \(positions) positions of \(channels) channels with wavelength \(wavelength)")
    self.channels = channels
    pattern = (0..<positions).flatMap { position in
      (0..<channels).map { channel in
        let angle = Double(position) / pow(wavelength, Double(channel / 2 * 2) / Double(channels))
        return Float(channel % 2 == 0 ? sin(angle) : cos(angle))
      }
    }
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let shape = outputShape(for: x.shape)
    let row = shape[1] * shape[2]
    let bias = Tensor(Array(pattern[..<row]), shape: [row])
    return x.reshaped(to: [shape[0], row]).adding(bias: bias).reshaped(to: shape)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank == 3 && input[2] == channels && input[1] * channels <= pattern.count,
      "SinePositionEncoding: \(input) does not fit [N,T,\(channels)] with up to \(pattern.count / channels) positions")
    return input
  }
}
