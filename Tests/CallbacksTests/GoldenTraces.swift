import Callbacks
import Foundation
import PluginConfiguration
import Testing

/// A number that JSON may hold as the text "nan", "inf" or "-inf".
struct GoldenNumber: Decodable, Sendable {
  let value: Double

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      guard let number = Double(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not a number")
      }
      value = number
    } else {
      value = try container.decode(Double.self)
    }
  }
}

/// A replay of real Keras callbacks on given metrics: what they were given and what they did.
struct GoldenTrace: Decodable, Sendable {
  struct Fit: Decodable, Sendable {
    let initialEpoch: Int
    let epochs: Int
    let metrics: [String: [GoldenNumber?]]

    enum CodingKeys: String, CodingKey {
      case epochs, metrics
      case initialEpoch = "initial_epoch"
    }
  }

  struct Expected: Decodable, Sendable {
    let result: FitResult

    enum CodingKeys: String, CodingKey {
      case saves, restored
      case epochsRun = "epochs_run"
      case ratesDuring = "lr_during"
      case ratesAfter = "lr_after"
      case ratesLogged = "lr_logged"
      case stopEpoch = "stop_epoch"
      case finalWeightsEpoch = "final_weights_epoch"
      case stoppedEpoch = "stopped_epoch"
      case exactMatchSaves = "exact_match_saves"
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      var result = FitResult()
      result.epochsRun = try values.decode(Int.self, forKey: .epochsRun)
      result.ratesDuring = try values.decode([Double].self, forKey: .ratesDuring)
      result.ratesAfter = try values.decode([Double].self, forKey: .ratesAfter)
      result.ratesLogged = try values.decode([Double?].self, forKey: .ratesLogged)
      result.stopEpoch = try values.decode(Int?.self, forKey: .stopEpoch)
      result.finalWeightsEpoch = try values.decode(Int?.self, forKey: .finalWeightsEpoch)
      result.restored = try values.decode(Bool.self, forKey: .restored)
      result.stoppedEpoch = try values.decodeIfPresent(Int.self, forKey: .stoppedEpoch)
      result.exactMatchSaves = try values.decode([Int].self, forKey: .exactMatchSaves)
      result.saves = try values.decode([Save].self, forKey: .saves).map(\.text)
      self.result = result
    }

    /// `[epoch, "file.keras"]`
    private struct Save: Decodable {
      let text: String
      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        let epoch = try values.decode(Int.self)
        text = "\(epoch) \(GoldenTrace.withoutExtension(try values.decode(String.self)))"
      }
    }
  }

  let id: String
  let initialRate: Float
  private let callbacks: [[String: ConfigurationValue]]
  let fits: [Fit]
  let expected: [Expected]

  enum CodingKeys: String, CodingKey {
    case id, callbacks, fits, expected
    case initialRate = "initial_lr"
  }

  static func withoutExtension(_ name: String) -> String {
    name.hasSuffix(".keras") ? String(name.dropLast(6)) : name
  }

  /// New instances of the trace's callbacks, made by their configured names.
  func makeCallbacks() throws -> CallbackList {
    let names = [
      "ReduceLROnPlateau": "reduce_lr_on_plateau", "EarlyStopping": "early_stopping",
      "DelayedEarlyStopping": "delayed_early_stopping", "ModelCheckpoint": "model_checkpoint",
      "WarmupLearningRate": "warmup_learning_rate", "ExactMatchCheckpoint": "exact_match_checkpoint",
      "TerminateOnNaN": "terminate_on_non_finite",
    ]
    let comparesMetrics = ["ReduceLROnPlateau", "EarlyStopping", "DelayedEarlyStopping", "ModelCheckpoint"]
    return CallbackList(
      try callbacks.map { arguments in
        var arguments = arguments
        guard case .string(let type) = arguments.removeValue(forKey: "type"), let name = names[type] else {
          throw CallbackError.unreadableState(callback: id, reason: "no known type")
        }
        if comparesMetrics.contains(type) { arguments["keras_compatible"] = true }
        if case .string(let path) = arguments.removeValue(forKey: "filepath") {
          arguments["filename"] = .string(Self.withoutExtension(path))
          // Keras saves every epoch unless told otherwise; our default is the best one only.
          arguments["save_best_only"] = arguments["save_best_only"] ?? false
        }
        return try CallbackRegistry.standard.makeCallback(ComponentConfiguration(name, arguments))
      })
  }

  /// All traces of `callbacks/traces.json` in the golden folder: `CAPTCHA_GOLDEN_DIR` or the tests' own copy.
  static func load() throws -> [GoldenTrace] {
    struct File: Decodable { let traces: [GoldenTrace] }
    let folder =
      ProcessInfo.processInfo.environment["CAPTCHA_GOLDEN_DIR"].map { URL(fileURLWithPath: $0) }
      ?? Bundle.module.resourceURL!.appendingPathComponent("Fixtures")
    let url = folder.appendingPathComponent("callbacks/traces.json")
    return try JSONDecoder().decode(File.self, from: Foundation.Data(contentsOf: url)).traces
  }
}
