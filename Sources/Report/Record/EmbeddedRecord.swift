import Foundation

/// The record as JSON inside the page, and back.
enum EmbeddedRecord {
  /// Why a page can't be read back.
  struct Damage: Error, CustomStringConvertible {
    let description: String
  }

  /// The element that holds the JSON. Browsers neither show it nor run it.
  static func markup(_ record: TrainingRecord) throws -> Markup {
    let json = try json(record)
    return element("script", ["type": "application/json", "id": identifier]) { Markup.verbatim(json) }
  }

  /// The record that a page holds, with its pictures.
  ///
  /// - Throws: `Damage`, or what decoding the JSON throws.
  static func record(inPage page: Foundation.Data) throws -> TrainingRecord {
    let opening = Foundation.Data("<script type=\"application/json\" id=\"\(identifier)\">".utf8)
    guard let start = page.range(of: opening)?.upperBound,
      let end = page.range(of: Foundation.Data("</script>".utf8), in: start..<page.endIndex)?.lowerBound
    else { throw Damage(description: "it holds no data of a training") }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    var record: TrainingRecord
    do {
      record = try decoder.decode(TrainingRecord.self, from: page[start..<end])
    } catch {
      throw Damage(description: "its data cannot be read")
    }
    guard record.format == TrainingRecord.currentFormat else {
      throw Damage(description: "its data have the format \(record.format), not \(TrainingRecord.currentFormat)")
    }
    guard record.isConsistent else { throw Damage(description: "its data contradict themselves") }
    restorePictures(in: &record, from: page)
    return record
  }

  /// What a picture's address in the page begins with. Quotes in texts are escaped, so that no text can look like it.
  static let picturePrefix = "data:image/png;base64,"

  private static let identifier = "training-data"
  private static let (infinity, minusInfinity, notANumber) = ("Infinity", "-Infinity", "NaN")

  /// JSON in which nothing can end the element or open a comment; such characters occur inside JSON's strings only, where
  /// `\u` may stand for them.
  private static func json(_ record: TrainingRecord) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    var escaped: [UInt8] = []
    let bytes = [UInt8](try encoder.encode(record))
    escaped.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "'"):
        escaped += "\\u00\(String(bytes[index], radix: 16))".utf8
      // U+2028 and U+2029, which once ended a line of script: E2 80 A8 and E2 80 A9.
      case 0xE2 where index + 2 < bytes.count && bytes[index + 1] == 0x80 && [0xA8, 0xA9].contains(bytes[index + 2]):
        escaped += (bytes[index + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8
        index += 2
      default: escaped.append(bytes[index])
      }
      index += 1
    }
    return String(decoding: escaped, as: UTF8.self)
  }

  /// Takes the pictures from where the page shows them, one for each misread image that has one.
  private static func restorePictures(in record: inout TrainingRecord, from page: Foundation.Data) {
    guard let count = record.validation?.misread.count else { return }
    for index in 0..<count {
      let opening = Foundation.Data("id=\"\(pictureIdentifier(index))\" src=\"\(picturePrefix)".utf8)
      guard let start = page.range(of: opening)?.upperBound,
        let end = page[start...].firstIndex(of: UInt8(ascii: "\""))
      else { continue }
      record.validation?.misread[index].picture = String(decoding: page[start..<end], as: UTF8.self)
    }
  }

  /// The element of a misread image's picture.
  static func pictureIdentifier(_ index: Int) -> String { "misread-\(index)" }
}

extension TrainingRecord {
  /// Whether a page can be made of what a file said.
  fileprivate var isConsistent: Bool {
    // Far more than any training has, and far from where sums overflow.
    let numbers = 0..<1 << 40
    let numbered = epochs.map(\.epoch) + loweredRates.map(\.epoch) + savedModels.map(\.epoch) + notes.map(\.epoch)
    guard numbered.allSatisfy(numbers.contains), zip(epochs, epochs.dropFirst()).allSatisfy({ $0.epoch < $1.epoch }),
      notes.allSatisfy({ numbers.contains($0.count) }), numbers.contains(omittedNotes)
    else { return false }
    guard let validation else { return true }
    let (matrix, report) = (validation.confusionMatrix, validation.report)
    return numbers.contains(validation.epoch) && matrix.counts.count == matrix.characters.count
      && matrix.counts.allSatisfy { $0.count == matrix.characters.count && $0.allSatisfy(numbers.contains) }
      && numbers.contains(report.count) && report.exactMatchInterval.count == 2
      && (Array(report.byType.values) + Array(report.byLength.values)).allSatisfy { numbers.contains($0.count) }
      && (report.perPosition + [report.exactMatch] + report.byType.values.map(\.exactMatch)
        + report.byLength.values.map(\.exactMatch)).allSatisfy((0...1).contains)
  }
}
