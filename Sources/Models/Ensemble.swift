import Data
import Foundation
import Layers
import Tensor

/// Several models that read each image together.
///
/// A vote can be taken of any models: each reads images in its own size and colours, with its own characters, head and
/// options. The mean needs models whose outputs stand for the same; see `ReadingDecoder.readings(meanOf:)`.
public final class Ensemble: TextRecognizer {
  /// One of the models.
  public struct Member {
    /// What it is called in messages, such as its file.
    public let name: String
    public let recognizer: Recognizer

    public init(name: String, recognizer: Recognizer) {
      self.name = name
      self.recognizer = recognizer
    }
  }

  public let method: EnsembleMethod
  public let members: [Member]
  /// The characters of all models in the order of their first occurrence, and the longest of their lengths.
  public let codec: LabelCodec
  public let inputs: [ImageInput]
  /// The place of each member's input among `inputs`.
  private let places: [Int]
  /// The temperature multiplies those of the members.
  private var temperature = 1.0
  private var minimumConfidence: Double?

  /// - Throws: `ModelError` that names the member and the key where a mean has no meaning.
  public init(_ method: EnsembleMethod, members: [Member]) throws {
    guard let first = members.first else { throw ModelError("an ensemble of no models; give at least one") }
    if method == .mean { for other in members.dropFirst() { try Self.requireEqual(first, other) } }
    self.method = method
    self.members = members
    var characters: [Character] = []
    for member in members {
      characters += member.recognizer.codec.charset.characters.filter { !characters.contains($0) }
    }
    codec = try LabelCodec(
      charset: Charset(String(characters)),
      maximumLength: members.reduce(0) { max($0, $1.recognizer.codec.maximumLength) })
    var inputs: [ImageInput] = []
    places = members.map { member in
      let input = member.recognizer.inputs[0]
      if let place = inputs.firstIndex(of: input) { return place }
      inputs.append(input)
      return inputs.count - 1
    }
    self.inputs = inputs
  }

  /// Refuses two models of whose probabilities there is no mean.
  private static func requireEqual(_ first: Member, _ other: Member) throws {
    func facts(_ recognizer: Recognizer) -> [(key: String, value: String)] {
      let (codec, options) = (recognizer.codec, recognizer.options)
      return [
        ("model.head", (recognizer.decoder.readsColumns ? OutputAlignment.columns : .positions).rawValue),
        ("model.charset", "\"\(codec.charset.text)\""), ("model.maximum_length", "\(codec.maximumLength)"),
        ("decoding.characters", options.characters.map { "\"\($0)\"" } ?? "all"),
        ("decoding.lengths", options.lengths.map { "\($0)" } ?? "all"),
        ("decoding.grammar", options.grammar.rawValue), ("decoding.beam_width", "\(options.beamWidth)"),
      ]
    }
    for (one, two) in zip(facts(first.recognizer), facts(other.recognizer)) where one.value != two.value {
      throw ModelError(
        "\(other.name): \(two.key) is \(two.value), and \(one.value) in \(first.name); there is no mean of such models, "
          + "let them vote")
    }
  }

  // MARK: What holds for all

  /// The grammar is that of any member that has one.
  public var options: DecodingOptions {
    let grammar = members.lazy.map(\.recognizer.options.grammar).first { $0 != .none }
    return DecodingOptions(grammar: grammar ?? .none, temperature: temperature, minimumConfidence: minimumConfidence)
  }

  public var knownSizes: [String] { common(members.map(\.recognizer.knownSizes)) }

  public var trainedTypes: [String]? {
    let lists = members.map(\.recognizer.trainedTypes)
    return lists.contains(nil) ? nil : common(lists.compactMap { $0 })
  }

  private func common(_ lists: [[String]]) -> [String] {
    lists[0].filter { element in lists.allSatisfy { $0.contains(element) } }
  }

  // MARK: Decoding

  /// Characters that a member does not know and lengths that it can't read are left out for that member.
  public func decode(_ change: (DecodingOptions) -> DecodingOptions) throws(DecodingOptionsError) {
    // What none of them can read is said of all together.
    let whole = change(options)
    try whole.validate(for: codec)
    var changed: [DecodingOptions] = []
    for member in members {
      let own = member.recognizer.options
      var options = change(own)
      (options.temperature, options.minimumConfidence) = (own.temperature, own.minimumConfidence)
      let fitting = options.fitted(to: member.recognizer.codec)
      do throws(DecodingOptionsError) {
        try fitting.validate(for: member.recognizer.codec)
      } catch {
        throw DecodingOptionsError(key: error.key, value: error.value, remedy: "\(error.remedy) (\(member.name))")
      }
      changed.append(fitting)
    }
    for (member, options) in zip(members, changed) { try member.recognizer.decode(options) }
    minimumConfidence = whole.minimumConfidence
  }

  public func calibrate(temperature: Double, minimumConfidence: Double?) throws(DecodingOptionsError) {
    try DecodingOptions(temperature: temperature, minimumConfidence: minimumConfidence).validate(for: codec)
    (self.temperature, self.minimumConfidence) = (temperature, minimumConfidence)
  }

  // MARK: Reading

  public func outputs(_ images: [Tensor], float16Weights: Bool) -> [Tensor] {
    zip(members, places).map { $0.recognizer.outputs([images[$1]], float16Weights: float16Weights)[0] }
  }

  public func requireNumbers() throws { for member in members { try member.recognizer.requireNumbers() } }

  public func readings(_ outputs: [Tensor], temperature: Double) -> [Reading] {
    switch method {
    case .vote:
      let all = zip(members, outputs).map { member, output in
        member.recognizer.readings([output], temperature: temperature * member.recognizer.options.temperature)
      }
      return (all.first ?? []).indices.map { image in Reading.vote(all.map { $0[image] }, codec: codec) }
    case .mean:
      return members[0].recognizer.decoder.readings(
        meanOf: zip(members, outputs).map { member, output in
          let own = temperature * member.recognizer.options.temperature
          return member.recognizer.activated(own == 1 ? output : output * Float(1 / own))
        })
    }
  }

  public func probabilities(_ outputs: [Tensor]) -> Tensor? {
    guard method == .mean, !readsColumns else { return nil }
    return ReadingDecoder.mean(zip(members, outputs).map { $0.recognizer.activated($1) })
  }

  private var readsColumns: Bool { members[0].recognizer.decoder.readsColumns }

  /// The loss of the mean probabilities: by positions the members' loss, where all have the same, of the logits that have the
  /// mean probabilities, at most 16 or 87 in size; by columns −log of the mean probability of the label. A vote has none.
  public func meanLoss(_ outputs: [Tensor], labels: Tensor) -> Double? {
    guard method == .mean else { return nil }
    let recognizer = members[0].recognizer
    guard readsColumns else {
      guard members.allSatisfy({ $0.recognizer.description.loss == recognizer.description.loss }),
        let mean = probabilities(outputs)
      else { return nil }
      let logits = recognizer.loss.outputActivation.logits(mean).reshaped(to: [labels.shape[0], codec.outputCount])
      return Double(recognizer.loss(logits, labels: labels).scalar)
    }
    let all = zip(members, outputs).map { member, output in
      member.recognizer.decoder.logProbabilities(of: labels, member.recognizer.activated(output))
    }
    let losses = (0..<labels.shape[0]).map { image in
      let values = all.map { $0[image] }
      let largest = values.max() ?? -.infinity
      // As the loss of one model: a label that needs more columns than there are costs nothing.
      if largest == -.infinity { return 0.0 }
      return -largest - log(values.reduce(0) { $0 + exp($1 - largest) } / Double(values.count))
    }
    return losses.isEmpty ? 0 : losses.reduce(0, +) / Double(losses.count)
  }
}

extension Recognizer {
  /// The probabilities that logits stand for, [N, positions or columns, classes].
  fileprivate func activated(_ logits: Tensor) -> Tensor {
    loss.outputActivation.probabilities(logits, classes: codec.classCount)
  }
}

extension DecodingOptions {
  /// What is left of masks for a model that does not know all characters or lengths.
  fileprivate func fitted(to codec: LabelCodec) -> DecodingOptions {
    var options = self
    options.characters = characters.map { $0.filter { codec.charset.index(of: $0) != nil } }
    if let lengths, lengths.lowerBound <= codec.maximumLength {
      options.lengths = lengths.clamped(to: lengths.lowerBound...codec.maximumLength)
    }
    return options
  }
}

extension OutputActivation {
  /// Logits that have these probabilities. Where one is too near to 0 or 1 to say, it is moved away by 1e-7 for a sigmoid, and
  /// to the smallest normal number for a softmax.
  fileprivate func logits(_ probabilities: Tensor) -> Tensor {
    var result = probabilities
    result.withMutableElements(of: Float.self) { values in
      for index in values.indices {
        let value = values[index]
        switch self {
        case .sigmoid:
          let inner = min(max(value, 1e-7), 1 - 1e-7)
          values[index] = log(inner / (1 - inner))
        case .softmax: values[index] = log(max(value, .leastNormalMagnitude))
        }
      }
    }
    return result
  }
}
