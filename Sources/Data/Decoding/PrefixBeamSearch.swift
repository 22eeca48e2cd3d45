import Foundation

/// Finds the most probable text of a model that has a row of classes per column of the image.
///
/// Column by column, the `width` most probable beginnings of texts are kept, each with the sum of all its alignments so far;
/// exact where `width` holds them all. Beginnings that can't become a text which fits in the columns that are left are
/// dropped.
///
/// Source: Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
/// DNNs".
struct PrefixBeamSearch {
  let constraint: TextConstraint
  let width: Int

  /// The text, as its characters; nil where no beginning that was kept became a text that fits.
  ///
  /// - Parameters:
  ///   - probabilities: [columns, classes], the blank last.
  func mostProbableText(_ probabilities: UnsafeBufferPointer<Float>, columns: Int) -> [Int]? {
    mostProbableTexts(probabilities, columns: columns, count: 1).first
  }

  /// Up to `count` texts that fit, the most probable first.
  func mostProbableTexts(_ probabilities: UnsafeBufferPointer<Float>, columns: Int, count: Int) -> [[Int]] {
    var beam = Beam(constraint, width: width)
    let classes = constraint.characterCount + 1
    for column in 0..<columns {
      let row = UnsafeBufferPointer(rebasing: probabilities[column * classes..<(column + 1) * classes])
      beam.advance(row, columnsLeft: columns - 1 - column)
    }
    return beam.best(count)
  }
}

/// The beginnings that are kept.
private struct Beam {
  /// A beginning of a text: another one and a character.
  private struct Prefix {
    let parent: Int
    let character: Int
    let length: Int
    let state: Int
    /// The list of those that are one character longer.
    var firstChild = -1
    var nextSibling = -1
    /// Its place among `kept`; -1 if it isn't.
    var place = -1
  }

  /// A beginning with the logarithms of the sums of its alignments.
  private struct Entry {
    /// -1 for one that is new: `parent` and `character` say which.
    var prefix: Int
    var parent = -1
    var character = -1
    var state = -1
    /// The sum of those that end with a blank.
    var blank: Double
    /// The sum of those that end with the last character.
    var ending: Double
    var total: Double
  }

  private struct Choice {
    let character: Int
    let probability: Float
    var logarithm = 0.0
  }

  private let constraint: TextConstraint
  private let width: Int
  private var prefixes: [Prefix]
  private var kept: [Entry]
  private var next: [Entry] = []
  private var choices: [Choice] = []
  /// By character: whether the prefix that is being extended has a child with that character which is kept already.
  private var hasKeptChild: [Bool]

  init(_ constraint: TextConstraint, width: Int) {
    self.constraint = constraint
    self.width = width
    prefixes = [Prefix(parent: -1, character: -1, length: 0, state: TextConstraint.initialState)]
    prefixes[0].place = 0
    kept = [Entry(prefix: 0, blank: 0, ending: -.infinity, total: 0)]
    hasKeptChild = [Bool](repeating: false, count: constraint.characterCount)
    next.reserveCapacity(width + 1)
  }

  /// The most probable of those that fit.
  func best(_ count: Int) -> [[Int]] {
    // They are kept in this order.
    kept.lazy.map(\.prefix).filter { index in
      constraint.need(prefixes[index].state, length: prefixes[index].length) == 0
    }.prefix(count).map(text)
  }

  private func text(of prefix: Int) -> [Int] {
    var (index, text) = (prefix, [Int]())
    while index > 0 {
      text.append(prefixes[index].character)
      index = prefixes[index].parent
    }
    return text.reversed()
  }

  /// - Parameter columnsLeft: how many columns follow this one.
  mutating func advance(_ row: UnsafeBufferPointer<Float>, columnsLeft: Int) {
    choose(row)
    next.removeAll(keepingCapacity: true)
    for entry in kept {
      stay(entry, row, columnsLeft)
      extend(entry, columnsLeft)
    }
    for entry in kept { prefixes[entry.prefix].place = -1 }
    for place in next.indices {
      if next[place].prefix < 0 { next[place].prefix = child(of: next[place]) }
      prefixes[next[place].prefix].place = place
    }
    swap(&kept, &next)
  }

  /// Sorts the characters of a column by probability, as many as can be needed: of one beginning's extensions at most
  /// `width` are kept, and beside those only its last character and extensions that are kept already are passed over.
  private mutating func choose(_ row: UnsafeBufferPointer<Float>) {
    choices.removeAll(keepingCapacity: true)
    let limit = constraint.isUniform ? 2 * width + 1 : .max
    for character in constraint.characters {
      let probability = row[character].isNaN ? -1 : row[character]
      if choices.count == limit {
        if probability <= choices[limit - 1].probability { continue }
        choices.removeLast()
      }
      var place = choices.count
      while place > 0 && choices[place - 1].probability < probability { place -= 1 }
      choices.insert(Choice(character: character, probability: probability), at: place)
    }
    for index in choices.indices { choices[index].logarithm = Self.logarithm(row[choices[index].character]) }
  }

  private static func logarithm(_ probability: Float) -> Double { log(DecodingScale.positive(probability)) }

  /// The alignments that add no character.
  private mutating func stay(_ entry: Entry, _ row: UnsafeBufferPointer<Float>, _ columnsLeft: Int) {
    let prefix = prefixes[entry.prefix]
    guard constraint.need(prefix.state, length: prefix.length) <= columnsLeft else { return }
    var result = entry
    result.blank = entry.total + Self.logarithm(row[constraint.characterCount])
    if prefix.parent >= 0 {
      var ending = entry.ending
      // Those that add the last character in this column come from the beginning before.
      let parent = prefixes[prefix.parent]
      if parent.place >= 0 {
        let before = kept[parent.place]
        // Equal characters need a blank between them.
        ending = Self.sum(ending, parent.character == prefix.character ? before.blank : before.total)
      }
      result.ending = ending + Self.logarithm(row[prefix.character])
    }
    result.total = Self.sum(result.blank, result.ending)
    insert(result)
  }

  /// The beginnings that are one character longer and are not kept yet.
  private mutating func extend(_ entry: Entry, _ columnsLeft: Int) {
    let prefix = prefixes[entry.prefix]
    markKeptChildren(of: prefix, true)
    defer { markKeptChildren(of: prefix, false) }
    var extensions = 0
    for choice in choices {
      let isRepeated = choice.character == prefix.character
      let score = (isRepeated ? entry.blank : entry.total) + choice.logarithm
      if next.count == width && score <= next[width - 1].total {
        // Those that follow are less probable still.
        if isRepeated { continue } else { break }
      }
      let state = constraint.next(prefix.state, choice.character)
      guard state >= 0, constraint.need(state, length: prefix.length + 1) <= columnsLeft,
        !hasKeptChild[choice.character], score > -.infinity
      else { continue }
      insert(
        Entry(
          prefix: -1, parent: entry.prefix, character: choice.character, state: state, blank: -.infinity, ending: score,
          total: score))
      if !isRepeated { extensions += 1 }
      if extensions == width { break }
    }
  }

  private mutating func markKeptChildren(of prefix: Prefix, _ mark: Bool) {
    var child = prefix.firstChild
    while child >= 0 {
      if prefixes[child].place >= 0 { hasKeptChild[prefixes[child].character] = mark }
      child = prefixes[child].nextSibling
    }
  }

  /// Keeps an entry if it is among the best so far; those that came first stay before their equals.
  private mutating func insert(_ entry: Entry) {
    if next.count == width {
      if entry.total <= next[width - 1].total { return }
      next.removeLast()
    }
    var place = next.count
    while place > 0 && next[place - 1].total < entry.total { place -= 1 }
    next.insert(entry, at: place)
  }

  /// The prefix that a new entry stands for; one that was dropped earlier is taken up again, so that each is there once.
  private mutating func child(of entry: Entry) -> Int {
    var child = prefixes[entry.parent].firstChild
    while child >= 0 {
      if prefixes[child].character == entry.character { return child }
      child = prefixes[child].nextSibling
    }
    let parent = prefixes[entry.parent]
    prefixes.append(
      Prefix(
        parent: entry.parent, character: entry.character, length: parent.length + 1, state: entry.state,
        nextSibling: parent.firstChild))
    prefixes[entry.parent].firstChild = prefixes.count - 1
    return prefixes.count - 1
  }

  /// log(eᵃ + eᵇ).
  private static func sum(_ a: Double, _ b: Double) -> Double {
    let (large, small) = a > b ? (a, b) : (b, a)
    return small == -.infinity ? large : large + log1p(exp(small - large))
  }
}
