import Foundation

/// What is known about a training that reads nothing, and what that says of the cause.
struct StuckDiagnosis {
  let readings: [LabelledReading]
  let contradictions: [ContradictoryLabels]
  /// The characters that the model can read; empty where it is not known.
  let charset: String
  /// The share of training images read right, 0...1.
  let trainingExactMatch: Double?
  /// The training losses of the epochs, the last one last.
  let losses: [Double]
  let learningRate: Float

  /// The causes that were found, the most certain first, each with its remedy.
  var text: String {
    let found = [
      contradiction, notFinite, allPadding, oneReading, otherSpelling, otherRules, wrongLength, unusedCharset, unmoved,
    ].compactMap { $0 }
    if found.isEmpty {
      return "no usual cause was found (\(Self.percent(characterShare)) of the characters are right, the loss is "
        + "\(losses.last.map(Self.number) ?? "unknown")); go on, or try a larger model or more images"
    }
    return found.joined(separator: "; ")
  }

  // MARK: Causes

  private var contradiction: String? {
    guard let first = contradictions.first else { return nil }
    return
      "labels contradict one another: \(first.names.joined(separator: " and ")) are the same picture with the labels "
      + "\(first.labels.map { "\"\($0)\"" }.joined(separator: " and ")); mend the labels of these files"
  }

  private var notFinite: String? {
    if readings.contains(where: { !$0.confidence.isFinite }) {
      return
        "the model's outputs are NaN or infinite: go back to an earlier model, and lower the learning rate or clip the "
        + "gradients"
    }
    guard let last = losses.last, !last.isFinite else { return nil }
    return "the loss is \(last); lower the learning rate or clip the gradients"
  }

  private var allPadding: String? {
    let share = share { $0.text.isEmpty }
    guard share >= 0.95 else { return nil }
    return
      "the output is all padding (\(Self.percent(share)) of the readings are empty): the model has only learned that most "
      + "outputs are off; use the loss softmax or focal, or give it more epochs or a higher rate (now \(learningRate))"
  }

  private var oneReading: String? {
    let counts = Dictionary(grouping: readings.filter { !$0.text.isEmpty }, by: \.text).mapValues(\.count)
    guard let (text, count) = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), readings.count > 1 else {
      return nil
    }
    let share = Double(count) / Double(readings.count)
    guard share >= 0.9 else { return nil }
    return
      "\(Self.percent(share)) of the images are read as \"\(text)\": the model knows how often characters occur and "
      + "nothing of the images; look whether the labels belong to their images, or change the rate (now \(learningRate))"
  }

  private var otherSpelling: String? {
    let share = share { $0.label.lowercased() == $0.text.lowercased() }
    guard share >= 0.1 else { return nil }
    return
      "wrong charset: \(Self.percent(share)) of the readings differ from the label in upper and lower case only; write "
      + "the labels of training and validation in the same way"
  }

  /// The training part is read, the validation part is not.
  private var otherRules: String? {
    guard let trainingExactMatch, trainingExactMatch >= 0.5 else { return nil }
    let labels = Set(readings.flatMap(\.label)).subtracting(readings.flatMap(\.text)).sorted()
    let lacking = labels.isEmpty ? "" : " (its characters \(String(labels.prefix(20))) are never read)"
    return
      "\(Self.percent(trainingExactMatch)) of the training images are read right: the labels of the validation part follow "
      + "other rules\(lacking), such as another charset or answers in place of questions, or its images are of another kind"
  }

  private var wrongLength: String? {
    guard !readings.isEmpty, characterShare > 0.2, share({ $0.label.count == $0.text.count }) == 0 else { return nil }
    return
      "no reading is as long as its label (such as \"\(readings[0].text)\" for \"\(readings[0].label)\"): the labels of the "
      + "validation part follow other rules"
  }

  private var unusedCharset: String? {
    let used = Set(readings.flatMap(\.label))
    guard readings.count >= 100, !used.isEmpty, charset.count >= 3 * used.count else { return nil }
    return
      "wrong charset: the model chooses among \(charset.count) characters and the labels have \(used.count) of them "
      + "(\(String(used.sorted()))); set model.charset to those that occur"
  }

  private var unmoved: String? {
    guard let first = losses.first, let last = losses.last, losses.count > 1, last.isFinite, first != 0,
      abs(first - last) < 0.01 * abs(first)
    else { return nil }
    let advice =
      learningRate < 1e-4
      ? "the learning rate \(learningRate) is too low; try \(learningRate * 10)"
      : "the learning rate is \(learningRate): try a tenth of it and ten times as much, and look whether the labels belong to "
        + "their images"
    return
      "the loss has hardly moved (\(Self.number(first)) to \(Self.number(last)) in \(losses.count) epochs): \(advice)"
  }

  // MARK: Numbers

  private func share(_ isCounted: (LabelledReading) -> Bool) -> Double {
    readings.isEmpty ? 0 : Double(readings.count(where: isCounted)) / Double(readings.count)
  }

  /// The share of the labels' characters that were read in their places.
  private var characterShare: Double {
    let pairs = readings.map { reading in (reading.label.count, zip(reading.label, reading.text).count { $0 == $1 }) }
    let all = pairs.reduce(0) { $0 + $1.0 }
    return all == 0 ? 0 : Double(pairs.reduce(0) { $0 + $1.1 }) / Double(all)
  }

  private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }
}
