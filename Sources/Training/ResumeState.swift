import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor

/// How far a training has got.
struct ResumePosition: Codable {
  /// The next epoch, or the one to go on with, from 0.
  var epoch = 0
  /// The batches of that epoch that are done.
  var batch = 0
  /// All steps so far.
  var step = 0
  /// The running numbers of an epoch that was left in the middle.
  var metrics: EpochMetrics.State?
  var bestValidationLoss: Double?
  var bestExactMatch: Double?
  /// Why a callback has ended the training for good; nil where it can go on.
  var stopReason: StopReason?
}

/// What must be equal for one run to be the continuation of another.
struct RunFingerprint: Codable {
  var model: [String: String]
  var settings: [String: String]
  var seed: UInt64
  var batchSize: Int
  /// nil in files from before there was a choice: float32.
  var precision: ArithmeticPrecision?
  var loss: String
  var metrics: [String]
  var callbacks: [String]
  var training: String
  var validation: String

  /// What differs, as "key: theirs, now ours".
  func differences(from other: RunFingerprint) -> [String] {
    var found: [String] = []
    func compare(_ name: String, _ saved: String, _ present: String) {
      if saved != present { found.append("\(name): \(saved), now \(present)") }
    }
    for (saved, present) in [(model, other.model), (settings, other.settings)] {
      for key in Set(saved.keys).union(present.keys).sorted() {
        compare(key, saved[key] ?? "none", present[key] ?? "none")
      }
    }
    compare("seed", "\(seed)", "\(other.seed)")
    compare("batch size", "\(batchSize)", "\(other.batchSize)")
    compare("precision", (precision ?? .float32).rawValue, (other.precision ?? .float32).rawValue)
    compare("loss", loss, other.loss)
    compare("metrics", metrics.joined(separator: ", "), other.metrics.joined(separator: ", "))
    compare("callbacks", callbacks.joined(separator: ", "), other.callbacks.joined(separator: ", "))
    compare("training images", training, other.training)
    compare("validation images", validation, other.validation)
    return found
  }
}

/// Everything that a training needs to go on as if it had never stopped, in one file that is replaced in one step.
public struct ResumeState {
  let position: ResumePosition
  let weights: Weights
  let callbacks: [SavedCallback]
  private let optimizer: OptimizerState
  private let fingerprint: RunFingerprint
  private let file: String

  private struct Header: Codable {
    var format = 1
    let position: ResumePosition
    let optimizer: OptimizerState.Counters
    let callbacks: [Entry]
    let fingerprint: RunFingerprint

    struct Entry: Codable {
      let name: String
      let json: String?
    }
  }

  private static let metadataKey = "captcha.resume"
  private static let checksumKey = "captcha.resume.checksum"

  init(
    position: ResumePosition, weights: Weights, optimizer: Optimizer, callbacks: [SavedCallback],
    fingerprint: RunFingerprint
  ) {
    self.position = position
    self.weights = weights
    self.optimizer = optimizer.state()
    self.callbacks = callbacks
    self.fingerprint = fingerprint
    file = ""
  }

  /// The epochs that were finished.
  public var finishedEpochs: Int { position.epoch }

  /// Why a callback has ended the training after an epoch; nil where it can go on. A `fit` that resumes it only comes to
  /// its end again: the best weights are put back, the averages taken over.
  public var stopReason: StopReason? { position.stopReason }

  // MARK: The file

  func write(to url: URL) throws {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in weights.tensors { tensors["model/\(name)"] = tensor }
    for (name, tensor) in optimizer.tensors { tensors["optimizer/\(name)"] = tensor }
    for (index, callback) in callbacks.enumerated() {
      for (name, tensor) in callback.state.tensors { tensors["callback/\(index)/\(name)"] = tensor }
    }
    let header = Header(
      position: position, optimizer: optimizer.counters,
      callbacks: callbacks.map { Header.Entry(name: $0.name, json: $0.state.json) }, fingerprint: fingerprint)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let json = String(decoding: try encoder.encode(header), as: UTF8.self)
    let checksum = Self.checksum(header: json, tensors: tensors)
    try Safetensors(tensors: tensors, metadata: [Self.metadataKey: json, Self.checksumKey: checksum]).write(to: url)
  }

  /// Reads what an earlier run saved.
  public init(contentsOf url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw TrainingError("\(url.path): nothing to resume; train without --resume first, or check the run directory")
    }
    let content = try Safetensors(contentsOf: url)
    guard let json = content.metadata[Self.metadataKey] else {
      throw TrainingError("\(url.path): not the state of a training; give the file that a run keeps for resuming")
    }
    guard content.metadata[Self.checksumKey] == Self.checksum(header: json, tensors: content.tensors) else {
      throw TrainingError("\(url.path): damaged, its checksum is not that of its content; start a new run")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let header = try? decoder.decode(Header.self, from: Foundation.Data(json.utf8)), header.format == 1 else {
      throw TrainingError("\(url.path): not a state that this version can resume; start a new run")
    }
    func tensors(_ prefix: String) -> [String: Tensor] {
      var found: [String: Tensor] = [:]
      for (name, tensor) in content.tensors where name.hasPrefix(prefix) {
        found[String(name.dropFirst(prefix.count))] = tensor
      }
      return found
    }
    position = header.position
    weights = Weights(tensors("model/"))
    optimizer = OptimizerState(counters: header.optimizer, tensors: tensors("optimizer/"))
    callbacks = header.callbacks.enumerated().map { index, entry in
      SavedCallback(
        name: entry.name, state: CallbackState(json: entry.json, tensors: tensors("callback/\(index)/")))
    }
    fingerprint = header.fingerprint
    file = url.path
  }

  private static func checksum(header: String, tensors: [String: Tensor]) -> String {
    var checksum = Checksum()
    checksum.add(header)
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      checksum.add("\(name) \(tensor.dtype.rawValue) \(tensor.shape)")
      checksum.add(tensor)
    }
    return checksum.text
  }

  /// Refuses to go on with another model, other data or other settings, and shows what differs.
  func requireSame(_ present: RunFingerprint) throws {
    let differences = fingerprint.differences(from: present)
    guard differences.isEmpty else {
      throw TrainingError(
        "\(file): cannot resume, since this is another training (\(differences.joined(separator: "; "))); "
          + "use the settings of the first run or another run directory")
    }
  }

  func restore(_ optimizer: Optimizer) throws { try optimizer.restore(self.optimizer) }
}
