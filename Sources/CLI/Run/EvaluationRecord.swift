import Callbacks
import Data
import Foundation
import Models

/// An evaluation with what is needed to know what was measured; a file of `evaluate --record`.
///
/// It has the fields of `evaluate --json`, and its own beside them.
struct EvaluationRecord: Codable {
  /// Which images were measured on.
  struct Images: Codable {
    let folder: String
    let count: Int
    /// How many images the list of labels says to be of which type and style.
    let types: [String: Int]
    let styles: [String: Int]

    init(_ dataset: Dataset, folder: String) {
      self.folder = folder
      count = dataset.count
      func counts(_ values: [String?]) -> [String: Int] {
        values.compactMap(\.self).reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      types = counts(dataset.types)
      styles = counts(dataset.samples.map(\.style))
    }
  }

  let evaluation: EvaluationReport
  /// ISO 8601, UTC.
  let time: String
  /// The model's file, or the name of the one that comes with the program, and the MD5 digest of its content.
  let model: String
  let modelMD5: String
  let data: Images
  let programVersion: String
  let machine: MachineDescription
  /// The program's name and its arguments.
  let commandLine: [String]

  private enum CodingKeys: String, CodingKey {
    case time, model, data, machine
    case modelMD5 = "model_md5"
    case programVersion = "program_version"
    case commandLine = "command_line"
  }

  /// One of now.
  ///
  /// - Parameters:
  ///   - model: what the model is called.
  ///   - modelMD5: the digest of the bytes that it was loaded from.
  init(_ evaluation: EvaluationReport, model: String, modelMD5: String, data: Images) {
    self.evaluation = evaluation
    self.model = model
    self.modelMD5 = modelMD5
    self.data = data
    time = Date().formatted(.iso8601)
    programVersion = ProgramCall.version
    machine = .present
    commandLine = ProgramCall.commandLine
  }

  init(from decoder: any Decoder) throws {
    evaluation = try EvaluationReport(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    time = try container.decode(String.self, forKey: .time)
    model = try container.decode(String.self, forKey: .model)
    modelMD5 = try container.decode(String.self, forKey: .modelMD5)
    data = try container.decode(Images.self, forKey: .data)
    programVersion = try container.decode(String.self, forKey: .programVersion)
    machine = try container.decode(MachineDescription.self, forKey: .machine)
    commandLine = try container.decode([String].self, forKey: .commandLine)
  }

  func encode(to encoder: any Encoder) throws {
    try evaluation.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(time, forKey: .time)
    try container.encode(model, forKey: .model)
    try container.encode(modelMD5, forKey: .modelMD5)
    try container.encode(data, forKey: .data)
    try container.encode(programVersion, forKey: .programVersion)
    try container.encode(machine, forKey: .machine)
    try container.encode(commandLine, forKey: .commandLine)
  }
}
