import Callbacks
import Foundation
import Tensor

/// Writes a page about the training (`report.html`): curves, confusions, the most confident errors, configuration, hardware.
///
/// One file that needs neither scripts nor the network. It is replaced as a whole when training begins, after every epoch
/// and at the end; while training runs, browsers load it anew by themselves. A run that goes on after an interruption keeps
/// what the page had of the epochs before; where that page is missing or damaged, the new one begins without them and says
/// so.
public final class ReportSink: EventSink {
  private let url: URL
  private let title: String
  private let configuration: String
  private let facts: [(name: String, value: String)]
  private let now: () -> Date

  private var record = TrainingRecord()
  private var remarks: [String] = []
  /// From 0.
  private var epoch = 0

  /// - Parameters:
  ///   - url: the page's file; its folder must exist.
  ///   - title: the page's headline.
  ///   - configuration: the configuration of the run as YAML, shown as it is.
  ///   - facts: names and values that tell about hardware and software, shown in this order.
  public convenience init(
    _ url: URL, title: String, configuration: String, facts: [(name: String, value: String)] = []
  ) {
    self.init(url, title: title, configuration: configuration, facts: facts, now: { Date() })
  }

  /// - Parameter now: tells the time.
  init(
    _ url: URL, title: String, configuration: String, facts: [(name: String, value: String)], now: @escaping () -> Date
  ) {
    self.url = url
    self.title = title
    self.configuration = configuration
    self.facts = facts
    self.now = now
  }

  /// - Throws: `EventSinkError` where the page can't be written.
  public func receive(_ event: TrainingEvent) throws {
    record.note(event, epoch: epoch)
    switch event {
    case .trainBegan(let plan):
      begin(plan)
      try write()
    case .epochBegan(let epoch, _, _): self.epoch = epoch
    case .epochEnded, .trainEnded: try write()
    default: break
    }
  }

  private func begin(_ plan: TrainingPlan) {
    epoch = plan.initialEpoch
    record = TrainingRecord()
    remarks = []
    if plan.isResuming { continueEarlierPage(at: plan.initialEpoch) }
    record.plan = TrainingRecord.Plan(
      epochs: plan.epochs, stepsPerEpoch: plan.stepsPerEpoch, trainingSamples: plan.trainingSamples,
      validationSamples: plan.validationSamples)
  }

  /// Keeps what an earlier page has of the epochs before `initialEpoch`.
  private func continueEarlierPage(at initialEpoch: Int) {
    let lost = EpochText.list(Array(0..<initialEpoch))
    do {
      let page = try Foundation.Data(contentsOf: url)
      record = try EmbeddedRecord.record(inPage: page).beforeEpoch(initialEpoch)
      let known = Set(record.epochs.map(\.epoch))
      let missing = (0..<initialEpoch).filter { !known.contains($0) }
      if !missing.isEmpty { remarks.append("The earlier page does not have \(EpochText.list(missing)).") }
    } catch let error as EmbeddedRecord.Damage {
      remarks.append("The earlier page is damaged (\(error)): this one lacks \(lost).")
    } catch {
      remarks.append("There is no earlier page that can be read: this one lacks \(lost).")
    }
    record.note(.resumed, "the training went on from here", epoch: initialEpoch)
  }

  private func write() throws {
    do {
      let page = try ReportPage(
        title: title, configuration: configuration, facts: facts, record: record, remarks: remarks, updated: now()
      ).html()
      try AtomicFile.write(to: url) { try $0.write(contentsOf: page) }
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
  }
}
