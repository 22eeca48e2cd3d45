import Callbacks
import Data
import Foundation
import Models
import Training

/// What is known of the model that comes with the program, for its page `docs/model-card.md`.
///
/// All of it comes from the model's file, and from what its training and `evaluate --record` have left in a folder that is
/// laid out as a run's: `config.yaml`, `starts.jsonl` and `evaluations`, each of which may be missing.
struct ModelCard {
  let model: ClassicModelReport
  let configuration: TrainingConfiguration?
  let starts: [RunStart]
  /// By the names of their files.
  let evaluations: [(name: String, record: EvaluationRecord)]

  /// - Parameter folder: nil for a page of the file alone.
  /// - Throws: an error that names the record that is damaged, or of another model.
  init(folder: String?) throws {
    model = try ClassicModelReport()
    guard let folder else {
      (configuration, starts, evaluations) = (nil, [], [])
      return
    }
    let directory = RunDirectory(URL(fileURLWithPath: folder))
    guard FileManager.default.fileExists(atPath: folder) else {
      throw ModelError("--run: \(folder): no such folder; give that of the run that trained the model")
    }
    configuration = try Self.configuration(directory.configuration)
    starts = try Self.starts(directory.starts)
    evaluations = try Self.evaluations(directory.evaluations, md5: model.md5)
  }

  private static func configuration(_ url: URL) throws -> TrainingConfiguration? {
    let path = RunDirectory(url).displayPath
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    let configuration = try TrainingConfiguration(file: path)
    guard configuration.model == (try Recognizer.classic().configuration) else {
      throw ModelError("\(path): describes another model than \(ModelFile.classicName); give the run that trained it")
    }
    return configuration
  }

  private static func starts(_ url: URL) throws -> [RunStart] {
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    let path = RunDirectory(url).displayPath
    let content = try decoded(path) { try String(contentsOf: url, encoding: .utf8) }
    return try content.split(whereSeparator: \.isNewline).enumerated().map { index, line in
      try decoded("\(path):\(index + 1)") { try JSONDecoder().decode(RunStart.self, from: Foundation.Data(line.utf8)) }
    }
  }

  private static func evaluations(_ folder: URL, md5: String) throws -> [(name: String, record: EvaluationRecord)] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    let decoder = JSONDecoder()
    // As they are written.
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try names.filter { $0.hasSuffix(".json") }.map { name in
      let url = folder.appendingPathComponent(name)
      let path = RunDirectory(url).displayPath
      let record = try decoded(path) {
        try decoder.decode(EvaluationRecord.self, from: Foundation.Data(contentsOf: url))
      }
      guard record.modelMD5 == md5 else {
        throw ModelError(
          "\(path): measured a model of MD5 \(record.modelMD5), and \(ModelFile.classicName) has \(md5); record it anew"
        )
      }
      return (url.deletingPathExtension().lastPathComponent, record)
    }
  }

  private static func decoded<Value>(_ place: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      throw ModelError("\(place): not what train and evaluate --record write; restore the file, or remove it")
    }
  }
}
