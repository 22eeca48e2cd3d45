import Tensor

/// What a model read on an image, beside what it should have read.
public struct LabelledReading: Sendable, Hashable {
  public let label: String
  public let text: String
  /// How sure the model is, 0...1.
  public let confidence: Double

  public init(label: String, text: String, confidence: Double) {
    self.label = label
    self.text = text
    self.confidence = confidence
  }

  public var isRight: Bool { label == text }
}

/// An image that was read wrong, with its picture.
public struct MisreadImage: Sendable {
  /// The file, or another name of the image.
  public let name: String
  /// The kind of captcha; nil where it is not known.
  public let type: String?
  public let reading: LabelledReading
  /// The pixels as the model saw them, uint8 [height, width, channels].
  public let picture: Tensor

  public init(name: String, type: String?, reading: LabelledReading, picture: Tensor) {
    self.name = name
    self.type = type
    self.reading = reading
    self.picture = picture
  }
}

/// What the validation part showed after an epoch.
public struct ValidationSummary: Sendable {
  /// From 0.
  public let epoch: Int
  /// The metrics of the validation part (`val_…`).
  public let logs: Logs
  public let report: EvaluationReport
  public let confusionMatrix: ConfusionMatrix
  /// The wrong readings that the model was most sure of, the surest first.
  public let misread: [MisreadImage]

  /// How long the validation took.
  public var seconds: Double {
    report.imagesPerSecond > 0 ? Double(report.count) / report.imagesPerSecond : 0
  }

  public init(
    epoch: Int, logs: Logs, report: EvaluationReport, confusionMatrix: ConfusionMatrix, misread: [MisreadImage]
  ) {
    self.epoch = epoch
    self.logs = logs
    self.report = report
    self.confusionMatrix = confusionMatrix
    self.misread = misread
  }
}

/// One picture that occurs with several labels.
public struct ContradictoryLabels: Sendable, Hashable {
  /// The names of the images.
  public let names: [String]
  /// Their labels, in the same order.
  public let labels: [String]

  public init(names: [String], labels: [String]) {
    self.names = names
    self.labels = labels
  }
}
