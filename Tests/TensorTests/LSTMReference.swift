import Foundation
import Tensor
import Testing

/// An LSTM as its definition says, in double and in plain loops.
struct LSTMReference {
  let batch, steps, inputs, units: Int
  var isReversed = false
  /// What happens to the factors of the products.
  var rounding: @Sendable (Double) -> Double = { $0 }

  /// h [N,T,U] for x [N,T,C] and the weights [C,4U], [U,4U], [4U].
  func callAsFunction(_ x: [Double], _ kernel: [Double], _ recurrent: [Double], _ bias: [Double]) -> [Double] {
    func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let columns = 4 * units
    let (x, kernel, recurrent) = (x.map(rounding), kernel.map(rounding), recurrent.map(rounding))
    var y = [Double](repeating: 0, count: batch * steps * units)
    for n in 0..<batch {
      var (h, c) = ([Double](repeating: 0, count: units), [Double](repeating: 0, count: units))
      for index in 0..<steps {
        let t = isReversed ? steps - 1 - index : index
        var z = bias
        for input in 0..<inputs {
          let value = x[(n * steps + t) * inputs + input]
          for column in 0..<columns { z[column] += value * kernel[input * columns + column] }
        }
        for unit in 0..<units {
          let value = rounding(h[unit])
          for column in 0..<columns { z[column] += value * recurrent[unit * columns + column] }
        }
        for unit in 0..<units {
          let (i, f) = (logistic(z[unit]), logistic(z[units + unit]))
          c[unit] = f * c[unit] + i * tanh(z[2 * units + unit])
          h[unit] = logistic(z[3 * units + unit]) * tanh(c[unit])
          y[(n * steps + t) * units + unit] = h[unit]
        }
      }
    }
    return y
  }
}

/// The sizes of one LSTM.
struct LSTMCase: Sendable, CustomTestStringConvertible {
  var batch = 2
  var steps = 3
  var inputs = 3
  var units = 4
  var isReversed = false

  var testDescription: String { "\(batch)×\(steps)×\(inputs) → \(units)\(isReversed ? ", reversed" : "")" }
  var reference: LSTMReference {
    LSTMReference(batch: batch, steps: steps, inputs: inputs, units: units, isReversed: isReversed)
  }

  /// x, kernel, recurrent kernel and bias.
  func tensors(_ name: String = "lstm", scale: Float = 0.5) -> [Tensor] {
    var numbers = Numbers(name)
    return [
      numbers.normal([batch, steps, inputs]), numbers.normal([inputs, 4 * units]) * scale,
      numbers.normal([units, 4 * units]) * scale, numbers.normal([4 * units]) * scale,
    ]
  }

  /// Sizes on both sides of every tile, group and vector, one of each kind of way through the steps.
  static let all: [LSTMCase] = [
    LSTMCase(), LSTMCase(isReversed: true), LSTMCase(batch: 1, steps: 1, inputs: 1, units: 1),
    LSTMCase(batch: 1, steps: 70, inputs: 5, units: 17),
    LSTMCase(batch: 1, steps: 70, inputs: 5, units: 3, isReversed: true),
    LSTMCase(batch: 5, steps: 31, inputs: 7, units: 16),
    LSTMCase(batch: 7, steps: 10, inputs: 9, units: 33, isReversed: true),
    LSTMCase(batch: 16, steps: 4, inputs: 33, units: 8), LSTMCase(batch: 15, steps: 9, inputs: 2, units: 40),
    LSTMCase(batch: 131, steps: 3, inputs: 4, units: 5),
    LSTMCase(batch: 64, steps: 2, inputs: 31, units: 32, isReversed: true),
    LSTMCase(batch: 3, steps: 2, inputs: 65, units: 64), LSTMCase(batch: 2, steps: 0), LSTMCase(batch: 0),
  ]
}
