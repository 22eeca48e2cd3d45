import Callbacks
import Testing

/// Every recorded replay of Keras's callbacks and of the original system's own: values must be equal to the last bit.
@Suite struct GoldenCallbackTests {
  @Test func tracesAreThoseOfKeras() throws {
    let traces = try GoldenTrace.load()
    // None may get lost; a folder of other traces may hold more.
    try #require(traces.count >= 460)
    for trace in traces {
      let results = try TraceReplay(trace: trace).run()
      #expect(results == trace.expected.map(\.result), "\(trace.id)")
    }
  }

  /// Cut after every epoch, all state saved as text and tensors, loaded into new instances: the rest must be the same.
  @Test func tracesThatAreCutAndResumedAreTheSame() throws {
    let traces = try GoldenTrace.load()
    var cuts = 0
    for trace in traces {
      let replay = TraceReplay(trace: trace)
      _ = try replay.run { cut in
        cuts += 1
        let results = try replay.run(from: cut)
        #expect(results == trace.expected.map(\.result), "\(trace.id) cut before epoch \(cut.nextEpoch)")
      }
    }
    #expect(cuts > traces.count)
  }
}
