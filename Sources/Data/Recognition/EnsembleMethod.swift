/// How several models read one text.
public enum EnsembleMethod: String, Codable, Sendable, CaseIterable {
  /// Each model reads a text, and the one that most of them read wins.
  case vote
  /// The models' probabilities are averaged, and the most probable text is read.
  case mean
}

extension Reading {
  /// What most of several readings of one image say.
  ///
  /// The text with most votes wins; among equals that of the larger sum of confidences, then that of the earlier reading.
  /// Questions vote for their answers. No text at all is no vote, unless nothing is read at all.
  ///
  /// The confidence is Σ confidence of the winner's votes / number of readings: the mean of those confidences times the
  /// share of the votes. It is the mean over all models of the probability that the text has for them, where those that read
  /// something else count as 0, and so never more than this mean.
  /// - Parameters:
  ///   - readings: at least one.
  ///   - codec: knows the characters of all of them; it makes the classes of the result.
  public static func vote(_ readings: [Reading], codec: LabelCodec) -> Reading {
    precondition(!readings.isEmpty, "Reading.vote: there is nothing to vote for")
    var parties: [(text: String, votes: Int, confidence: Double, surest: Reading)] = []
    let voting = readings.filter { !$0.text.isEmpty }
    for reading in voting.isEmpty ? readings : voting {
      let confidence = reading.confidence.isNaN ? 0 : reading.confidence
      guard let index = parties.firstIndex(where: { $0.text == reading.text }) else {
        parties.append((reading.text, 1, confidence, reading))
        continue
      }
      parties[index].votes += 1
      parties[index].confidence += confidence
      if confidence > parties[index].surest.confidence { parties[index].surest = reading }
    }
    var winner = parties[0]
    for party in parties.dropFirst() where (party.votes, party.confidence) > (winner.votes, winner.confidence) {
      winner = party
    }
    let seen = winner.surest.seenText
    return Reading(
      text: winner.text, question: winner.surest.question,
      classes: (try? codec.encode(seen)) ?? [Int](repeating: codec.paddingIndex, count: codec.maximumLength),
      confidence: winner.confidence / Double(readings.count))
  }
}
