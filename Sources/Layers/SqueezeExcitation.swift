import Tensor

/// Weighs the channels of an image by what the whole image shows: x [N,H,W,C] → x · s, with one s per image and channel.
///
/// s = sigmoid(excitation(relu(squeeze(mean over all pixels)))), with dense layers from C to C / reduction and back.
///
/// Parameters: `squeeze/kernel` [C, C / reduction], `squeeze/bias`, `excitation/kernel` [C / reduction, C],
/// `excitation/bias`, initialised as in `Dense`. Source: Hu, Shen and Sun 2018, Squeeze-and-Excitation Networks.
public final class SqueezeExcitation: Layer {
  private let squeeze, excitation: Dense

  /// - Parameters:
  ///   - channels: C.
  ///   - reduction: how many channels share a unit between the two dense layers; there is always at least one unit.
  public init(_ channels: Int, reduction: Int = 16) {
    precondition(
      channels > 0 && reduction > 0, "SqueezeExcitation: \(channels) channels with a reduction of \(reduction)")
    let units = max(1, channels / reduction)
    squeeze = Dense(channels, units, activation: .relu)
    excitation = Dense(units, channels, activation: .sigmoid)
  }

  public var children: [NamedLayer] {
    squeeze.named("squeeze")
    excitation.named("excitation")
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.channelsScaled(by: excitation(squeeze(x.globalAveragePooled(), context), context))
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank == 4 && input[3] == squeeze.kernel.shape[0],
      "SqueezeExcitation: \(input) does not fit \(squeeze.kernel.shape[0]) channels")
    return input
  }
}
