/// Which texts may be read: a finite automaton over the characters, and the lengths.
struct TextConstraint: Sendable {
  /// How many characters there are to choose from; classes from this on are none.
  let characterCount: Int
  let lengths: ClosedRange<Int>
  let stateCount: Int
  /// The characters that no state takes are left out.
  let characters: [Int]
  /// Whether every character of ``characters`` leads to the same state, so that only its probability counts.
  let isUniform: Bool

  /// The next state by state and character; -1 where there is none.
  private let transitions: [Int]
  /// How many characters more a text needs at least, by state and length; `never` where it can't become one that fits.
  private let needs: [Int]

  static let initialState = 0
  static let never = Int.max

  /// - Parameters:
  ///   - transitions: the next state by state and character, nil where there is none; the first state is the initial one.
  ///   - accepting: the states in which a text may end.
  private init(codec: LabelCodec, lengths: ClosedRange<Int>, transitions: [[Int?]], accepting: Set<Int>) {
    let (states, count) = (transitions.count, codec.charset.count)
    characterCount = count
    self.lengths = lengths
    stateCount = states
    self.transitions = transitions.flatMap { $0.map { $0 ?? -1 } }
    characters = (0..<count).filter { character in transitions.contains { $0[character] != nil } }
    isUniform = states == 1
    // From the longest texts back to the empty one.
    var needs = [Int](repeating: Self.never, count: states * (lengths.upperBound + 1))
    for length in stride(from: lengths.upperBound, through: 0, by: -1) {
      for state in 0..<states {
        var need = accepting.contains(state) && lengths.contains(length) ? 0 : Self.never
        if need > 0, length < lengths.upperBound {
          for next in Set(transitions[state].compactMap { $0 }) {
            let further = needs[(length + 1) * states + next]
            if further < need { need = further + 1 }
          }
        }
        needs[length * states + state] = need
      }
    }
    self.needs = needs
  }

  /// Any text of some characters.
  ///
  /// - Parameter allowed: whether each character may be read.
  static func anyText(_ codec: LabelCodec, allowed: [Bool], lengths: ClosedRange<Int>) -> TextConstraint {
    TextConstraint(codec: codec, lengths: lengths, transitions: [allowed.map { $0 ? 0 : nil }], accepting: [0])
  }

  /// A question, NUMBER OPERATION NUMBER = ?.
  static func question(_ codec: LabelCodec, allowed: [Bool], lengths: ClosedRange<Int>) -> TextConstraint {
    enum State: Int, CaseIterable { case start, left, operation, right, equals, end }
    let transitions = State.allCases.map { state in
      zip(codec.charset.characters, allowed).map { character, isAllowed -> Int? in
        guard isAllowed else { return nil }
        let next: State?
        switch state {
        case .start: next = MathQuestion.isDigit(character) ? .left : nil
        case .left:
          let isOperation = MathQuestion.Operation(rawValue: String(character)) != nil
          next = MathQuestion.isDigit(character) ? .left : isOperation ? .operation : nil
        case .operation: next = MathQuestion.isDigit(character) ? .right : nil
        case .right: next = MathQuestion.isDigit(character) ? .right : character == "=" ? .equals : nil
        case .equals: next = character == "?" ? .end : nil
        case .end: next = nil
        }
        return next?.rawValue
      }
    }
    return TextConstraint(codec: codec, lengths: lengths, transitions: transitions, accepting: [State.end.rawValue])
  }

  /// The state after a character; negative where it may not follow.
  @inline(__always)
  func next(_ state: Int, _ character: Int) -> Int { transitions[state * characterCount + character] }

  /// How many characters more a text needs at least: 0 where it fits, `never` where it can't be made to.
  @inline(__always)
  func need(_ state: Int, length: Int) -> Int {
    length > lengths.upperBound ? Self.never : needs[length * stateCount + state]
  }
}
