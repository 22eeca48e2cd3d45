import Callbacks
import Foundation
import Tensor

/// The folder of one training run and the names of what is in it.
public struct RunDirectory: Sendable, Hashable {
  public let url: URL

  public init(_ url: URL) { self.url = url }

  public var configuration: URL { url.appendingPathComponent("config.yaml") }
  public var log: URL { url.appendingPathComponent("training.log") }
  public var metrics: URL { url.appendingPathComponent("metrics.csv") }
  /// How long the training has taken by epoch.
  public var timeline: URL { url.appendingPathComponent("timeline.csv") }
  /// A line for each time that the training was started.
  public var starts: URL { url.appendingPathComponent("starts.jsonl") }
  /// The folder of what evaluations of its models found.
  public var evaluations: URL { url.appendingPathComponent("evaluations") }
  public var summary: URL { url.appendingPathComponent("summary.json") }
  /// The page about the training.
  public var report: URL { url.appendingPathComponent("report.html") }
  /// The folder of the event files for TensorBoard.
  public var tensorBoard: URL { url.appendingPathComponent("tensorboard") }
  public var checkpoints: URL { url.appendingPathComponent("checkpoints") }
  /// Everything that resuming needs: weights, optimizer, callbacks, position.
  public var resumeState: URL { checkpoints.appendingPathComponent("resume.safetensors") }

  /// Why a callback can't save a model under a name, with the remedy; nil where it can.
  public static func fault(ofModelName name: String) -> String? {
    if ["final", "resume"].contains(name) { return "every run writes a file of this name itself; give another name" }
    if name.isEmpty || name.contains("/") || name.hasPrefix(".") {
      return "give a plain file name; the run directory's folder is added to it"
    }
    return nil
  }

  /// The model file of a name, such as `best-val-loss`.
  public func model(named name: String) -> URL {
    checkpoints.appendingPathComponent("\(name).safetensors")
  }

  /// Whether there is anything here that a new training would overwrite, or that would pass for its own.
  public var isUsed: Bool {
    func holds(_ folder: URL, _ ending: String) -> Bool {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.contains { $0.hasSuffix(ending) }
    }
    return holds(checkpoints, ".safetensors") || holds(evaluations, ".json")
      || [configuration, metrics, timeline, starts, summary, report].contains {
        FileManager.default.fileExists(atPath: $0.path)
      }
  }

  /// Makes the folder and the one for checkpoints, and removes what a killed run has left half written.
  public func create() throws {
    do {
      try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
      AtomicFile.removeLeftovers(in: url)
      AtomicFile.removeLeftovers(in: checkpoints)
    } catch {
      throw TrainingError("\(url.path): the run directory cannot be made; choose a folder that you may write to")
    }
  }
}

extension CallbackList {
  /// Refuses callbacks that save models under a name that is no plain name or that the run itself writes.
  ///
  /// - Throws: `TrainingError` that names the callback and the name.
  public func checkModelNames(_ plan: TrainingPlan) throws {
    for (callback, name) in savedModels(plan) {
      if let fault = RunDirectory.fault(ofModelName: name) {
        throw TrainingError("callback \(callback): filename is \"\(name)\"; \(fault)")
      }
    }
  }

  /// Refuses callbacks that save models where there is no folder for them.
  func requireFolder(_ directory: RunDirectory?, _ plan: TrainingPlan) throws {
    guard directory == nil, let (callback, name) = savedModels(plan).first else { return }
    throw TrainingError(
      "callback \(callback): there is no folder to save \"\(name)\" in; give the Trainer a directory")
  }

  private func savedModels(_ plan: TrainingPlan) -> [(callback: String, name: String)] {
    callbacks.flatMap { callback in
      callback.effects(in: plan).compactMap { effect in
        if case .savesModel(let name) = effect { (callback.name, name) } else { nil }
      }
    }
  }
}
