import Callbacks
import Data
import Foundation

/// What the validation part showed after an epoch, with pictures that a page can hold.
struct ValidationRecord: Codable, Sendable {
  struct Misread: Codable, Sendable {
    var name: String
    var type: String?
    var label: String
    var text: String
    var confidence: Double
    var width: Int
    var height: Int
    /// The picture as a PNG file in base 64; nil where there is none. It is not part of the JSON, since the page shows it anyway.
    var picture: String?

    enum CodingKeys: String, CodingKey { case name, type, label, text, confidence, width, height }
  }

  var epoch: Int
  var report: EvaluationReport
  var confusionMatrix: ConfusionMatrix
  /// The surest first.
  var misread: [Misread]
}

extension ValidationRecord {
  /// All pictures of a page together take at most so many bytes; a page of large ones would be slow to load and to write.
  private static let maximumPictureBytes = 1_200_000

  /// Encodes the pictures, which takes most of the time that a page costs.
  init(_ summary: ValidationSummary) {
    self.init(
      epoch: summary.epoch, report: summary.report, confusionMatrix: summary.confusionMatrix,
      misread: summary.misread.map(Misread.init))
    var bytes = 0
    for index in misread.indices {
      bytes += misread[index].picture?.utf8.count ?? 0
      if bytes > Self.maximumPictureBytes { misread[index].picture = nil }
    }
  }
}

extension ValidationRecord.Misread {
  init(_ image: MisreadImage) {
    let shape = image.picture.shape
    self.init(
      name: image.name, type: image.type, label: image.reading.label, text: image.reading.text,
      confidence: image.reading.confidence, width: shape.rank == 3 ? shape[1] : 0,
      height: shape.rank == 3 ? shape[0] : 0, picture: Self.encoded(image))
  }

  /// The picture in base 64; nil for a tensor that is no picture, which must not cost the training its report.
  private static func encoded(_ image: MisreadImage) -> String? {
    let shape = image.picture.shape
    guard image.picture.dtype == .uint8, shape.rank == 3, shape.count > 0, [1, 3].contains(shape[2]) else {
      return nil
    }
    let picture = Image(
      width: shape[1], height: shape[0], channels: shape[2], pixels: image.picture.elements(of: UInt8.self))
    return (try? PNG.encode(picture, compressionLevel: 4, named: image.name))
      .map { Foundation.Data($0).base64EncodedString() }
  }
}

extension ValidationRecord: Equatable {
  static func == (left: ValidationRecord, right: ValidationRecord) -> Bool {
    left.epoch == right.epoch && left.confusionMatrix == right.confusionMatrix && left.misread == right.misread
      && left.report.isEqual(to: right.report)
  }
}

extension ValidationRecord.Misread: Equatable {}

extension EvaluationReport {
  /// Whether all that the page shows is the same.
  fileprivate func isEqual(to other: EvaluationReport) -> Bool {
    count == other.count && inexpressible == other.inexpressible && exactMatch == other.exactMatch
      && exactMatchInterval == other.exactMatchInterval && characterAccuracy == other.characterAccuracy
      && byType == other.byType && byLength == other.byLength && perPosition == other.perPosition
      && confusions == other.confusions
  }
}
