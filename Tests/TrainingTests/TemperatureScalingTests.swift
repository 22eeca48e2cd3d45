import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing
import Training

@Suite struct TemperatureScalingTests {
  /// Readings that are right as often as a confidence says whose logits are divided by `truth`.
  private func readings(_ count: Int, truth: Double, seed: UInt64) -> (Double) -> [(confidence: Double, isRight: Bool)]
  {
    var random = RandomStream(seed: seed)
    let drawn = (0..<count).map { _ -> (logit: Double, isRight: Bool) in
      let logit = 4 + 5 * random.normal()
      return (logit, random.unitDouble() < 1 / (1 + exp(-logit / truth)))
    }
    return { temperature in drawn.map { (1 / (1 + exp(-$0.logit / temperature)), $0.isRight) } }
  }

  /// Doubt below half of what float32 can tell from certainty counts as that much.
  private func logLoss(_ readings: [(confidence: Double, isRight: Bool)]) -> Double {
    readings.reduce(0) { $0 - log(max(0x1p-24, $1.isRight ? $1.confidence : 1 - $1.confidence)) }
      / Double(readings.count)
  }

  /// The temperature is that of the smallest loss of all that a fine grid tries, and near the one that drew the readings.
  @Test(arguments: [0.4, 1, 1.7, 3.5])
  func theBestTemperatureIsFound(_ truth: Double) {
    let readings = readings(4000, truth: truth, seed: UInt64(truth * 10))
    let scaling = TemperatureScaling(readings: readings)
    let grid = (0...4000).map { exp(log(0.125) + log(64) * Double($0) / 4000) }
    let losses = grid.map { logLoss(readings($0)) }
    let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
    #expect(scaling.isFitted && abs(log(scaling.temperature / grid[best])) < 0.003)
    #expect(scaling.logLoss <= losses[best] + 1e-7 && abs(scaling.logLossBefore - logLoss(readings(1))) < 1e-12)
    #expect(abs(log(scaling.temperature / truth)) < 0.15)
    if truth > 1.5 {
      #expect(scaling.after.expectedCalibrationError < scaling.before.expectedCalibrationError / 2)
    }
    #expect(scaling.after.expectedCalibrationError < 0.03)
    // The same readings give the same bits.
    #expect(TemperatureScaling(readings: readings).temperature == scaling.temperature)
  }

  @Test func whatIsAlwaysRightTeachesNothing() {
    for isRight in [true, false] {
      let scaling = TemperatureScaling { _ in [(0.9, isRight), (0.8, isRight)] }
      #expect(!scaling.isFitted && scaling.temperature == 1 && scaling.before == scaling.after)
    }
    #expect(TemperatureScaling { _ in [] }.temperature == 1)
  }

  /// Certain errors cost much but not infinitely much.
  @Test func certainErrorsAreFinite() {
    let scaling = TemperatureScaling { _ in [(1, false), (1, true), (.nan, true)] }
    #expect(scaling.logLoss.isFinite && scaling.logLoss > 1)
  }

  /// Says of each image what its first pixel says, with the second pixel as how sure it is.
  private final class SurePixelReader: Layer {
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      let pixels = x.elements().map { ($0 * 255).rounded() }
      let logits = stride(from: 0, to: pixels.count, by: 2).flatMap { start -> [Float] in
        (0..<11).map { $0 == Int(pixels[start]) ? pixels[start + 1] / 20 : 0 }
      }
      return Tensor(logits, shape: [x.shape[0], 11])
    }
    func outputShape(for input: Shape) -> Shape { [input[0], 11] }
  }

  @Test func aModelIsScaled() throws {
    var random = RandomStream(seed: 3)
    let drawn = (0..<500).map { _ -> (read: Int, sure: Int, label: Int) in
      let (read, sure) = (random.integer(in: 0..<10), random.integer(in: 20...200))
      // The logits are twice what they should be.
      let share = exp(Double(sure) / 40) / (exp(Double(sure) / 40) + 10)
      return (read, sure, random.unitDouble() < share ? read : (read + 1) % 10)
    }
    let dataset = try Dataset(width: 2, height: 1, channels: 1, count: drawn.count) { index, pixels in
      (pixels[0], pixels[1]) = (UInt8(drawn[index].read), UInt8(drawn[index].sure))
      return Sample(name: "\(index)", label: "\(drawn[index].label)", type: nil)
    }
    let codec = try LabelCodec(charset: .digits, maximumLength: 1)
    func evaluator(_ temperature: Double) throws -> Evaluator {
      Evaluator(
        model: SurePixelReader(), loss: SoftmaxCrossEntropy(), codec: codec, batchSize: 64,
        decoder: try ReadingDecoder(
          codec: codec, readsColumns: false, options: DecodingOptions(temperature: temperature)))
    }
    var seen: [Int] = []
    let scaling = try evaluator(5).temperatureScaling(dataset) { seen.append($0) }
    #expect(seen.last == 500 && seen.count == 8)
    #expect(scaling.isFitted && (1.7...2.4).contains(scaling.temperature))
    // An evaluation at a temperature finds what the fit found.
    let (before, after) = (try evaluator(1).evaluate(dataset), try evaluator(scaling.temperature).evaluate(dataset))
    #expect(before.confidence == scaling.before && after.confidence == scaling.after)
    #expect(before.exactMatch == after.exactMatch && before.loss == after.loss)
  }
}
