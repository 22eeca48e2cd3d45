import Data
import Foundation
import Models
import Training

/// What is known of the model that comes with the program, for its page `docs/model-card.md`.
///
/// The figures come from the model's file, and from what its training and `evaluate --record` have left in a folder that is
/// laid out as a run's: `config.yaml`, `starts.jsonl` and `evaluations`, of which at least one is there. What the page says of
/// use and limits is written by hand, for a model of images in the style classic.
struct ModelCard {
  let model: ClassicModelReport
  let configuration: TrainingConfiguration?
  let starts: [RunStart]
  /// By the names of their files.
  let evaluations: [(name: String, record: EvaluationRecord)]

  /// - Parameter folder: nil for a page of the file alone.
  /// - Throws: an error that names the record that is damaged, of another model or of other images than the page tells of.
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
    let run = try RunRecord.read([folder])[0]
    starts = run.starts
    evaluations = try Self.evaluations(run, in: directory.evaluations, md5: model.md5)
  }

  private static func configuration(_ url: URL) throws -> TrainingConfiguration? {
    let file = RecordedFile(url)
    guard let yaml = try file.text() else { return nil }
    let path = file.path
    if yaml.allSatisfy(\.isWhitespace) { throw ModelError("\(path): is empty; restore or remove it") }
    let configuration = try TrainingConfiguration(yaml: yaml, named: path)
    guard configuration.model == (try Recognizer.classic().configuration) else {
      throw ModelError("\(path): describes another model than \(ModelFile.classicName); give the run that trained it")
    }
    let images = configuration.data
    guard images.path != nil || images.generate.style == .classic else {
      throw ModelError(
        "\(path): data.generate.style is \(images.generate.style.rawValue), and what the page says of use and limits holds for "
          + "classic; give a run of that style")
    }
    return configuration
  }

  /// - Throws: an error that names the first record of another model.
  private static func evaluations(
    _ run: RunRecord, in folder: URL, md5: String
  ) throws -> [(name: String, record: EvaluationRecord)] {
    try run.evaluations.compactMap { evaluation -> (name: String, record: EvaluationRecord)? in
      // That of the training's end is of the model at its end, and of no recorded file.
      guard let record = evaluation.record else { return nil }
      guard record.modelMD5 == md5 else {
        let path = RunDirectory(folder.appendingPathComponent("\(evaluation.name).json")).displayPath
        throw ModelError(
          "\(path): measured a model of MD5 \(record.modelMD5), and \(ModelFile.classicName) has \(md5); record it anew"
        )
      }
      return (name: evaluation.name, record: record)
    }
  }
}
