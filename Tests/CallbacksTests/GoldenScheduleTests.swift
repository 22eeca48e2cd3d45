import Callbacks
import Foundation
import PluginConfiguration
import Testing

/// The schedules by the numbers of Keras and PyTorch.
@Suite struct GoldenScheduleTests {
  private let fixtures: ScheduleFixtures

  init() throws { fixtures = try ScheduleFixtures.load() }

  /// Keras calculates in float32, where each of a formula's few roundings costs up to half a unit in the last place of
  /// the largest rate: 4 such units in all. Dividing by `1 − t_mul`, which it rounds too, makes the error of a share of a
  /// decay `1/(t_mul − 1)` times as large.
  private func tolerance(_ schedule: ScheduleFixtures.Schedule) throws -> Float {
    let units = 4 * (try #require(schedule.exact.max().map { Float($0) })).ulp
    guard case .number(let factor) = schedule.arguments["t_mul"], factor > 1 else { return units }
    return units * Float(max(1, 1 / (factor - 1)))
  }

  @Test func schedulesAreThoseOfKeras() throws {
    var compared = 0
    for golden in fixtures.schedules {
      let schedule = try ScheduleFixtures.schedule(golden.name, golden.arguments)
      try schedule.check(FakeContext.any(stepsPerEpoch: golden.exact.count).plan)
      let tolerance = try tolerance(golden)
      let largest = try #require(golden.exact.max())
      for (step, (keras, exact)) in zip(golden.keras, golden.exact).enumerated() {
        let rate = try schedule.rate(step: step, of: golden.exact.count)
        let comment: Comment = "\(golden.name) \(golden.arguments), step \(step)"
        // Float32's rounding must hide nothing.
        #expect(abs(rate - exact) <= 1e-12 * largest, comment)
        if golden.moved.contains(step) {
          #expect(abs(Float(rate) - keras) > 0.01 * Float(largest), comment)
        } else {
          #expect(abs(Float(rate) - keras) <= tolerance, comment)
        }
        compared += 1
      }
    }
    #expect(compared > 800)
  }

  /// The whole way: the callback sets the rate of each batch, Keras's optimizer takes it by the number of its updates.
  @Test func batchesHaveTheRateOfKerasTrainings() throws {
    for golden in fixtures.fits {
      let schedule = try ScheduleFixtures.schedule(golden.name, golden.arguments)
      let context = FakeContext.any(epochs: golden.epochs, stepsPerEpoch: golden.batches)
      try schedule.onTrainBegin(context)
      var rates: [Float] = []
      var logged: [Double?] = []
      for epoch in 0..<golden.epochs {
        context.epoch = epoch
        try schedule.onEpochBegin(context)
        for _ in 0..<golden.batches {
          try schedule.onBatchBegin(context)
          rates.append(context.learningRate)
          context.step += 1
        }
        var logs = Logs()
        try schedule.onEpochEnd(context, logs: &logs)
        logged.append(logs[.learningRate])
      }
      let tolerance = 4 * (try #require(golden.keras.max())).ulp
      #expect(rates.count == golden.keras.count)
      for (rate, keras) in zip(rates, golden.keras) { #expect(abs(rate - keras) <= tolerance, "\(golden.name)") }
      #expect(logged == (1...golden.epochs).map { Double(rates[$0 * golden.batches - 1]) })
    }
  }

  /// Rates are Floats and the closures calculate in Double on both sides, so that every bit is the same.
  @Test func closuresPerEpochAreThoseOfKeras() throws {
    let closures: [String: (Int, Double) -> Double] = [
      "decay_after_3": { epoch, rate in epoch < 3 ? rate : rate * exp(-0.1) },
      "steps": { epoch, _ in epoch < 2 ? 0.3 : epoch < 4 ? 0.03 : 0.003 },
      "halve_every_second": { epoch, rate in epoch % 2 == 1 ? rate * 0.5 : rate },
    ]
    for golden in fixtures.schedulers {
      let closure = try #require(closures[golden.closure])
      var given: [Float] = []
      let schedule = LearningRateSchedule(perEpoch: { epoch, rate in
        given.append(Float(rate))
        return closure(epoch, rate)
      })
      let context = FakeContext.any(epochs: golden.during.count, rate: golden.learningRate)
      for epoch in 0..<golden.during.count {
        context.epoch = epoch
        try schedule.onEpochBegin(context)
        try schedule.onBatchBegin(context)
        #expect(context.learningRate == golden.during[epoch], "\(golden.closure), epoch \(epoch)")
        var logs = Logs()
        schedule.onEpochEnd(context, logs: &logs)
        #expect(logs[.learningRate] == Double(golden.logged[epoch]), "\(golden.closure), epoch \(epoch)")
      }
      #expect(given == golden.given, "\(golden.closure)")
    }
  }

  @Test func oneCycleIsThatOfPyTorch() throws {
    for golden in fixtures.oneCycle {
      let cycle = try ScheduleFixtures.schedule("one_cycle", golden.arguments)
      let largest = try #require(golden.torch.max())
      for (step, torch) in golden.torch.enumerated() {
        let rate = try cycle.rate(step: step, of: golden.torch.count)
        #expect(abs(rate - torch) <= 1e-14 * largest, "\(golden.arguments), step \(step)")
      }
    }
  }
}
