import Foundation
import Training

/// JSON that the program has written, with errors that say where it is damaged.
struct RecordedJSON {
  let text: String
  /// Named in errors.
  let file: String
  /// The line of the file that the text begins with, from 1.
  var firstLine = 1

  /// What can be counted: far more than anything is, and far from where sums overflow.
  static let counts = 0..<1 << 50

  /// - Throws: `TrainingError` that names the file and, where they are known, the line and the key.
  func decode<Content: Decodable>(_ type: Content.Type) throws -> Content {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: Foundation.Data(text.utf8))
    } catch DecodingError.keyNotFound(let key, let context) {
      throw error("there is no \"\(key.stringValue)\"", at: Self.names(context.codingPath))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw error(ofValueAt: Self.names(context.codingPath))
    } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
      throw error(ofValueAt: Self.names(context.codingPath))
    } catch {
      switch fault {
      case .brokenLine(let line): throw self.error("not JSON", line: line)
      // Foundation calls it damaged data and says neither key nor place.
      case .number(let number, let line):
        throw self.error(
          "\(number.map { "the number \($0)" } ?? "a number") has a value that it can't have", line: line)
      }
    }
  }

  /// Why a value can't be used.
  func error(ofValueAt path: [String]) -> TrainingError {
    error("\(path.isEmpty ? "the whole" : path.joined(separator: ".")) has a value that it can't have", at: path)
  }

  /// Refuses what is no count, by the paths of keys.
  func require(counts: [(path: [String], count: Int)]) throws {
    for (path, count) in counts where !Self.counts.contains(count) { throw error(ofValueAt: path) }
  }

  private func error(_ reason: String, at path: [String]) -> TrainingError { error(reason, line: line(of: path)) }

  /// - Parameter line: from 0; nil where it is not known.
  private func error(_ reason: String, line: Int? = nil) -> TrainingError {
    let line = line ?? (text.contains(where: \.isNewline) ? nil : 0)
    let place = line.map { "\(file):\(firstLine + $0)" } ?? file
    return TrainingError("\(place): \(reason); restore the file, or remove it to leave it out")
  }

  /// The keys of a path up to the first place in a list.
  private static func names(_ path: [any CodingKey]) -> [String] {
    path.prefix { $0.intValue == nil }.map(\.stringValue)
  }

  // MARK: Lines, from 0

  /// Where the last of nested keys stands that is there; the first line for none.
  private func line(of path: [String]) -> Int {
    var (line, depth, found, foundLine) = (0, 0, 0, 0)
    var text = Substring(text)
    while found < path.count, let character = text.popFirst() {
      switch character {
      // The value of the last key that was found is over; what follows is not in it.
      case "," where depth <= found: return foundLine
      case "{", "[": depth += 1
      case "}", "]": depth -= 1
      case "\"":
        var string = ""
        while let next = text.popFirst(), next != "\"" {
          string.append(next)
          if next == "\\", let escaped = text.popFirst() { string.append(escaped) }
        }
        let isKey = text.first { !$0.isWhitespace } == ":"
        if isKey, depth == found + 1, string == path[found] { (found, foundLine) = (found + 1, line) }
      default: line += character.isNewline ? 1 : 0
      }
    }
    return foundLine
  }

  /// Why a text can't be decoded that Foundation calls damaged.
  private enum Fault {
    /// It stops being JSON there.
    case brokenLine(Int)
    /// It has a number that its place can't have; nil for what is not known.
    case number(String?, line: Int?)
  }

  private var fault: Fault {
    func line(at index: Int) -> Int { text.utf8.prefix(index).count { $0 == UInt8(ascii: "\n") } }
    do {
      _ = try JSONSerialization.jsonObject(with: Foundation.Data(text.utf8), options: .fragmentsAllowed)
      return .number(nil, line: nil)
    } catch {
      // Foundation tells the place in words only: "Invalid value around character 9."
      let words = (error as NSError).userInfo["NSDebugDescription"] as? String ?? ""
      if let number = words.firstMatch(of: /Number (\S+) is not representable/)?.1 {
        let places = text.ranges(of: number).map(\.lowerBound)
        // Where it is there twice, nobody says which is meant.
        let place = places.count == 1 ? places.first : nil
        return .number(
          String(number), line: place.map { line(at: text.utf8.distance(from: text.startIndex, to: $0)) })
      }
      if let index = words.firstMatch(of: /character (\d+)/).flatMap({ Int($0.1) }) {
        return .brokenLine(line(at: index))
      }
    }
    // It lacks its end.
    return .brokenLine(max(0, text.split(whereSeparator: \.isNewline).count - 1))
  }
}
