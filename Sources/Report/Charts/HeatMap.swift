import Callbacks
import Foundation

/// A confusion matrix as a map: a row for each character of the labels, a column for each that was read.
///
/// What was read right, the diagonal, has no part in the colours, and these follow the logarithm of the counts: else a few
/// errors among thousands of right readings could not be seen.
struct HeatMap {
  /// The characters that occur, and how often each (row) was read as each (column).
  let characters: [String]
  let counts: [[Int]]
  /// From which count on each colour is used, the palest first.
  let levels: [Int]

  private static let maximumLevels = 5
  private static let cell = 24.0
  /// Left of the cells and above them.
  private static let margin = 44.0
  /// While there are this few characters, the cells show their counts.
  private static let maximumNumbered = 16

  init(_ matrix: ConfusionMatrix) {
    let indices = matrix.characters.indices.filter { index in
      matrix.counts[index].contains { $0 > 0 } || matrix.counts.contains { $0[index] > 0 }
    }
    characters = indices.map { matrix.characters[$0] }
    counts = indices.map { row in indices.map { matrix.counts[row][$0] } }
    levels = Self.levels(most: Self.errors(counts).max() ?? 0)
  }

  /// Thresholds at equal ratios from 1 to `most`; fewer where there are not as many whole numbers.
  private static func levels(most: Int) -> [Int] {
    let thresholds = (0..<maximumLevels).map { level in
      max(1, Int(pow(Double(most), Double(level) / Double(maximumLevels)).rounded(.up)))
    }
    return most < 1 ? [] : thresholds.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  private static func errors(_ counts: [[Int]]) -> [Int] {
    counts.indices.flatMap { row in counts.indices.filter { $0 != row }.map { counts[row][$0] } }
  }

  /// Whether there are so many characters that the map takes a row of its own, without numbers.
  var hasMany: Bool { characters.count > Self.maximumNumbered }

  /// How many characters were read wrong.
  var errorCount: Int { Self.errors(counts).reduce(0, +) }

  /// What stands for a character on the page; none at all needs a sign.
  static func name(_ character: String) -> String { character.isEmpty ? "∅" : character }

  /// A character within a sentence.
  static func phrase(_ character: String) -> String { character.isEmpty ? "no character" : "“\(character)”" }

  func markup() -> Markup {
    element("figure", ["class": "card", "id": "confusion-matrix"]) {
      element("figcaption") {
        element("h3") { "Confusion matrix" }
        if errorCount > 0 { legend() }
      }
      if errorCount == 0 {
        element("p", ["class": "remark"]) { "No character was taken for another." }
      } else {
        element("div", ["class": "scroll"]) { drawing() }
        element("p", ["class": "remark"]) {
          "Rows: the label’s character. Columns: what was read. Colours follow the logarithm of the count; right "
            + "readings (grey) are not on their scale."
          if characters.contains("") { " ∅ stands for no character." }
        }
      }
    }
  }

  private func legend() -> Markup {
    element("ul", ["class": "legend"]) {
      for (index, level) in levels.enumerated() {
        let next = index + 1 < levels.count ? levels[index + 1] - 1 : nil
        element("li") {
          element("span", ["class": "swatch \(style(level))"])
          next.map { $0 == level ? NumberText.count(level) : "\(NumberText.count(level))–\(NumberText.count($0))" }
            ?? "≥ \(NumberText.count(level))"
        }
      }
      element("li") {
        element("span", ["class": "swatch right"])
        "read right"
      }
    }
  }

  /// The class of a count's colour: the last of five for the most frequent.
  private func style(_ count: Int) -> String {
    let level = levels.lastIndex { $0 <= count } ?? 0
    return "heat-\(level + 1 + Self.maximumLevels - levels.count)"
  }

  private func drawing() -> Markup {
    let size = Self.margin + Self.cell * Double(characters.count) + 1
    // Many characters would be unreadable on a phone's width: the map then keeps a width and is moved in its box.
    let least = hasMany ? 0.65 * size : 0.75 * size
    let most = (hasMany ? 0.8 : 1.3) * size
    return element(
      "svg",
      [
        "class": hasMany ? "heat many" : "heat",
        "viewBox": "0 0 \(NumberText.coordinate(size)) \(NumberText.coordinate(size))", "role": "img",
        "aria-label": "Confusion matrix of \(characters.count) characters",
        "style":
          "width:100%;min-width:\(NumberText.coordinate(least))px;max-width:\(NumberText.coordinate(most))px",
      ]
    ) {
      titles(size)
      for index in characters.indices { names(index) }
      for row in characters.indices { cells(row) }
    }
  }

  private func titles(_ size: Double) -> [Markup] {
    let middle = NumberText.coordinate(Self.margin + (size - Self.margin) / 2)
    return [
      element("text", ["class": "title", "x": middle, "y": "12", "text-anchor": "middle"]) { "read" },
      element(
        "text", ["class": "title", "transform": "translate(12 \(middle)) rotate(-90)", "text-anchor": "middle"]
      ) { "label" },
      element(
        "rect",
        [
          "class": "field", "x": NumberText.coordinate(Self.margin), "y": NumberText.coordinate(Self.margin),
          "width": NumberText.coordinate(size - Self.margin), "height": NumberText.coordinate(size - Self.margin),
        ]),
    ]
  }

  private func names(_ index: Int) -> [Markup] {
    let middle = NumberText.coordinate(Self.margin + (Double(index) + 0.5) * Self.cell)
    let before = NumberText.coordinate(Self.margin - 10)
    return [
      element("text", ["x": middle, "y": before, "text-anchor": "middle"]) { Self.name(characters[index]) },
      element("text", ["x": before, "y": middle, "dy": "0.35em", "text-anchor": "middle"]) {
        Self.name(characters[index])
      },
    ]
  }

  private func cells(_ row: Int) -> [Markup] {
    let total = counts[row].reduce(0, +)
    return characters.indices.filter { counts[row][$0] > 0 }.flatMap { column -> [Markup] in
      let count = counts[row][column]
      let (x, y) = (Self.margin + Double(column) * Self.cell + 1, Self.margin + Double(row) * Self.cell + 1)
      let side = NumberText.coordinate(Self.cell - 1)
      let name = row == column ? "right" : style(count)
      let square = element(
        "path",
        [
          "class": name,
          "d": "M\(NumberText.coordinate(x)) \(NumberText.coordinate(y))h\(side)v\(side)h-\(side)z",
        ]
      ) {
        element("title") {
          "\(Self.phrase(characters[row])) read as \(Self.phrase(characters[column])): \(NumberText.count(count)) of "
            + NumberText.count(total)
        }
      }
      guard !hasMany, count < 1000 else { return [square] }
      return [
        square,
        element(
          "text",
          [
            "class": "number on-\(name)", "x": NumberText.coordinate(x + Self.cell / 2 - 0.5),
            "y": NumberText.coordinate(y + Self.cell / 2 - 0.5), "dy": "0.35em", "text-anchor": "middle",
          ]
        ) { "\(count)" },
      ]
    }
  }
}
