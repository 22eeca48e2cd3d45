import Foundation
import Tensor
import Testing

@testable import Callbacks

@Suite struct GradientMonitorTests {
  private let parameters = ["a/kernel": 2, "a/bias": 1, "b/c/kernel": 3].map { name, count in
    NamedParameter(name: name, parameter: Parameter(name, value: Tensor(zeros: [count])))
  }

  private func update(_ values: [String: [Float]]) -> PendingUpdate {
    var gradients = Gradients()
    for item in parameters {
      if let value = values[item.name] { gradients[item.parameter] = Tensor(value, shape: [value.count]) }
    }
    return PendingUpdate(loss: 1, parameters: parameters, gradients: gradients)
  }

  private func warnings(_ context: FakeContext) -> [String] {
    context.events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
  }

  private func explosions(_ context: FakeContext) -> [String] { warnings(context).filter { $0.contains("explodes") } }

  private func epoch(_ monitor: GradientMonitor, _ context: FakeContext, _ steps: [[String: [Float]]]) -> Logs {
    for values in steps {
      var update = update(values)
      monitor.onUpdateBegin(context, update: &update)
      context.step += 1
    }
    var logs = Logs()
    monitor.onEpochEnd(context, logs: &logs)
    context.epoch += 1
    return logs
  }

  @Test func normsAreThoseOfTheLayersAndTheirMeanIsReported() throws {
    let context = FakeContext.any()
    let monitor = GradientMonitor(every: 2)
    // Steps 0 and 2 are measured: norms of a 3 and 5, of b/c 4 and 12.
    let logs = epoch(
      monitor, context,
      [
        ["a/kernel": [1, 2], "a/bias": [2], "b/c/kernel": [0, 4, 0]], ["a/kernel": [100, 0]],
        ["a/kernel": [0, 3], "a/bias": [4], "b/c/kernel": [12, 0, 0]],
      ])
    #expect(logs[.gradientNorm] == 9.0)
    guard case .gradientsMeasured(let summary) = try #require(context.events.first) else {
      Issue.record("no norms were reported")
      return
    }
    #expect(summary.norms == ["a": 4, "b/c": 8])
    // The next epoch begins anew.
    context.step = 4
    #expect(epoch(monitor, context, [["a/kernel": [3, 4]]])[.gradientNorm] == 5)
    #expect(epoch(monitor, context, [["a/kernel": [3, 4]]])[.gradientNorm] == nil)
  }

  @Test func aLayerThatNoGradientReachesIsNamedOnce() {
    let context = FakeContext.any()
    let monitor = GradientMonitor(every: 1)
    let dead: [String: [Float]] = ["a/kernel": [3, 4], "a/bias": [0], "b/c/kernel": [0, 1e-12, 0]]
    let alive: [String: [Float]] = ["a/kernel": [3, 4], "a/bias": [0], "b/c/kernel": [0, 1e-3, 0]]
    _ = epoch(monitor, context, [dead, alive])
    #expect(warnings(context) == [])
    _ = epoch(monitor, context, [dead, dead])
    _ = epoch(monitor, context, [dead, dead])
    #expect(warnings(context).count == 1)
    #expect(warnings(context)[0].contains("b/c is dead"))
    _ = epoch(monitor, context, [alive])
    _ = epoch(monitor, context, [dead])
    #expect(warnings(context).count == 2)
  }

  @Test func aLayerThatIsNotUsedIsDead() {
    let context = FakeContext.any()
    _ = epoch(GradientMonitor(every: 1), context, [["a/kernel": [3, 4], "a/bias": [1]]])
    #expect(warnings(context).count == 1 && warnings(context)[0].contains("b/c is dead"))
  }

  /// It is warned of, and the epoch's numbers are those of the other batches.
  @Test func oneBatchThatIsNotFiniteHidesNothing() {
    let context = FakeContext.any()
    let monitor = GradientMonitor(every: 1)
    let logs = epoch(
      monitor, context,
      [["a/kernel": [3, 4]], ["a/kernel": [.nan, 4], "b/c/kernel": [1, 1, .infinity]], ["a/kernel": [6, 8]]])
    #expect(logs[.gradientNorm] == 7.5)
    let texts = warnings(context)
    #expect(texts.count == 3 && texts.contains { $0.contains("b/c is dead") })
    #expect(texts.filter { $0.contains("explodes") }.count == 2)
  }

  @Test func anExplosionIsReportedAtOnceWithWhatIsUsual() {
    let context = FakeContext.any()
    let monitor = GradientMonitor(every: 1, explosionFactor: 100)
    // The first steps of a training are often wild: nothing is usual yet.
    _ = epoch(monitor, context, [["a/kernel": [3000, 4000]]] + Array(repeating: ["a/kernel": [3, 4]], count: 40))
    #expect(explosions(context) == [])
    _ = epoch(
      monitor, context, [["a/kernel": [300, 400]], ["a/kernel": [3000, 4000]], ["a/kernel": [30000, 40000]]])
    #expect(explosions(context).count == 1)
    #expect(explosions(context)[0].contains("5,000 in step 43, usually 6.58"))
    _ = epoch(monitor, context, [["a/kernel": [.nan, 1]]])
    #expect(explosions(context).count == 2)
  }

  /// Cut after every step and gone on with in a new instance.
  @Test func aResumedMonitorIsTheUninterruptedOne() throws {
    let steps: [[String: [Float]]] = (0..<12).map { step in
      ["a/kernel": [Float(step), 1], "b/c/kernel": step < 6 ? [0, 0, 0] : [1, 2, Float(step)]]
    }
    func run(cut: Int?) throws -> String {
      let context = FakeContext.any()
      var monitor = GradientMonitor(every: 1)
      var reported: [String] = []
      for (index, values) in steps.enumerated() {
        if index == cut {
          let saved = try monitor.savedState()
          monitor = GradientMonitor(every: 1)
          monitor.onTrainBegin(context)
          try monitor.restore(saved)
        }
        var update = update(values)
        monitor.onUpdateBegin(context, update: &update)
        context.step += 1
        guard index % 4 == 3 else { continue }
        var logs = Logs()
        monitor.onEpochEnd(context, logs: &logs)
        reported.append("\(logs)")
      }
      return (reported + warnings(context)).joined(separator: "\n") + (try monitor.savedState().json ?? "")
    }
    let whole = try run(cut: nil)
    #expect(whole.contains("b/c is dead"))
    for cut in 1..<12 { #expect(try run(cut: cut) == whole, "cut before step \(cut)") }
  }
}
