/// One direction of a long short-term memory (LSTM): its weights, and where it begins to read.
public struct LSTMDirection: Sendable {
  /// [C, 4U]; the gates' columns come in Keras's order: input, forget, cell, output.
  public var kernel: Tensor
  /// [U, 4U].
  public var recurrentKernel: Tensor
  /// [4U].
  public var bias: Tensor
  /// Whether it reads from the last step to the first.
  public var isReversed: Bool

  public init(kernel: Tensor, recurrentKernel: Tensor, bias: Tensor, isReversed: Bool = false) {
    self.kernel = kernel
    self.recurrentKernel = recurrentKernel
    self.bias = bias
    self.isReversed = isReversed
  }

  /// U.
  public var units: Int { recurrentKernel.shape[0] }

  var weights: [Tensor] { [kernel, recurrentKernel, bias] }

  var detached: LSTMDirection {
    LSTMDirection(
      kernel: kernel.detached, recurrentKernel: recurrentKernel.detached, bias: bias.detached, isReversed: isReversed)
  }
}

/// What an LSTM keeps of its forward pass for the gradient, per direction.
public struct LSTMRecord: Sendable {
  /// [N,T,4U], the gates after their functions.
  public var gates: [Tensor]
  /// [N,T,U], the cells after each step.
  public var cells: [Tensor]

  public init(gates: [Tensor], cells: [Tensor]) {
    self.gates = gates
    self.cells = cells
  }
}

/// The gradients of an LSTM's inputs; nil where none was asked for.
public struct LSTMGradients: Sendable {
  /// The gradients of one direction's weights.
  public struct Weights: Sendable {
    public var kernel, recurrentKernel, bias: Tensor

    public init(kernel: Tensor, recurrentKernel: Tensor, bias: Tensor) {
      self.kernel = kernel
      self.recurrentKernel = recurrentKernel
      self.bias = bias
    }
  }

  public var x: Tensor?
  /// One for each direction.
  public var weights: [Weights]?

  public init(x: Tensor?, weights: [Weights]?) {
    self.x = x
    self.weights = weights
  }
}

extension Tensor {
  /// A long short-term memory (LSTM) over sequences.
  ///
  /// With z = x[t] · kernel + h[t−1] · recurrentKernel + bias in four parts:
  /// i = σ(z₀), f = σ(z₁), g = tanh(z₂), o = σ(z₃); c[t] = f · c[t−1] + i · g; h[t] = o · tanh(c[t]); c and h are 0 before the
  /// first step. The order of the gates is Keras's. Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et
  /// al. 2000.
  ///
  /// - Parameters:
  ///   - kernel: [C, 4U].
  ///   - recurrentKernel: [U, 4U].
  ///   - bias: [4U].
  ///   - reversed: whether it reads from the last step to the first. Results stand at the steps that they belong to, so
  ///     Keras's `go_backwards` gives the same ones in reverse.
  ///   - precision: how the factors of the products are taken, in the gradient too.
  /// - Returns: h; x [N,T,C] → [N,T,U].
  public func lstm(
    kernel: Tensor, recurrentKernel: Tensor, bias: Tensor, reversed: Bool = false,
    precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    lstm(
      [LSTMDirection(kernel: kernel, recurrentKernel: recurrentKernel, bias: bias, isReversed: reversed)],
      precision: precision)
  }

  /// Several LSTMs over the same sequences, such as one in each direction, as one operation.
  ///
  /// Equal to each of them alone and their results side by side, and faster where they run at the same time.
  ///
  /// - Parameters:
  ///   - directions: all with as many units U.
  ///   - precision: how the factors of the products are taken, in the gradient too.
  /// - Returns: x [N,T,C] → [N, T, directions · U], in the order of the directions.
  public func lstm(_ directions: [LSTMDirection], precision: ArithmeticPrecision = .float32) -> Tensor {
    requireFit(directions)
    let inputs = [self] + directions.flatMap(\.weights)
    let needsWeights = inputs.dropFirst().contains { $0.isTracked }
    let (y, record) = device.backend.lstm(
      self, directions, precision: precision, keepsRecord: isTracked || needsWeights)
    guard let record else { return y }
    let (x, constants, needsX) = (detached, directions.map(\.detached), isTracked)
    return Self.tracked(y, from: inputs, operation: "lstm") { dy in
      let gradients = dy.device.backend.lstmGradient(
        dy, x: x, y: y, constants, record, precision: precision, needsX: needsX, needsWeights: needsWeights)
      let weights = gradients.weights?.flatMap { [$0.kernel, $0.recurrentKernel, $0.bias] }
      return [gradients.x] + (weights ?? constants.flatMap { _ in [nil, nil, nil] })
    }
  }

  private func requireFit(_ directions: [LSTMDirection]) {
    precondition(!directions.isEmpty, "lstm: there is no direction")
    for tensor in [self] + directions.flatMap(\.weights) { tensor.requireFloat("lstm") }
    for direction in directions {
      let (kernel, recurrent, bias) = (direction.kernel.shape, direction.recurrentKernel.shape, direction.bias.shape)
      precondition(
        shape.rank == 3 && recurrent.rank == 2 && recurrent[0] > 0 && recurrent[1] == 4 * recurrent[0]
          && kernel == [shape[2], recurrent[1]] && bias == [recurrent[1]] && direction.units == directions[0].units,
        "lstm: x \(shape), kernel \(kernel), recurrent kernel \(recurrent), bias \(bias) do not fit; expected [N,T,C], "
          + "[C,4U], [U,4U], [4U] with the same U in all directions")
    }
  }
}
