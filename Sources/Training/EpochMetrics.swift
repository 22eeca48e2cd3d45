import Callbacks
import Layers

/// The running numbers of an epoch: the loss weighted by batch size, and the metrics.
struct EpochMetrics {
  private var lossSum = 0.0
  private var images = 0
  private var metrics: [any Metric]

  init(_ metrics: [any Metric]) { self.metrics = metrics }

  mutating func add(loss: Double, images: Int, batch: MetricBatch) {
    // A batch counts by its size, so that a short last one does not count too much.
    lossSum += loss * Double(images)
    self.images += images
    for index in metrics.indices { metrics[index].update(batch) }
  }

  /// The numbers so far; `validation` puts `val_` before the names.
  func logs(validation: Bool = false) -> Logs {
    var logs = Logs()
    func set(_ name: String, _ value: Double) {
      let key = MetricKey(rawValue: name)
      logs[validation ? key.onValidation : key] = value
    }
    set("loss", lossSum / Double(images))
    for metric in metrics { set(metric.name, metric.result) }
    return logs
  }

  /// The keys that `logs` will have.
  static func keys(_ metrics: [any Metric], validation: Bool) -> Set<MetricKey> {
    Set(EpochMetrics(metrics).logs(validation: validation).keys)
  }

  // MARK: Resuming

  /// Everything so far as numbers, to go on in the middle of an epoch.
  var state: State { State(lossSum: lossSum, images: images, metrics: metrics.map(\.counts)) }

  struct State: Codable {
    let lossSum: Double
    let images: Int
    let metrics: [[Int]]
  }

  mutating func restore(_ state: State) {
    lossSum = state.lossSum
    images = state.images
    for (index, counts) in zip(metrics.indices, state.metrics) { metrics[index].counts = counts }
  }
}
