/// What a data set consists of.
public struct DatasetStatistics: Sendable, Equatable, Codable {
  /// The accepted images.
  public let count: Int
  /// The images and list entries that were left out.
  public let rejected: [Rejection]
  /// How many labels have which length.
  public let lengths: [Int: Int]
  /// How often each character stands in the labels.
  public let characters: [String: Int]
  /// How many images are of which type; those of unknown type are not counted.
  public let types: [String: Int]
  /// How many files have which size, such as `["200×60": 500]`.
  public let imageSizes: [String: Int]
  /// Where the labels came from.
  public let labelSource: LabelSource
  /// The images of the folder that the list of labels doesn't name.
  public let unlisted: [String]
  /// Further lists of labels in the folder, which are not used.
  public let unusedLists: [String]

  /// Counts the images of a folder that was loaded.
  public init(_ loaded: LoadedDataset) {
    self.init(
      samples: loaded.dataset.samples, rejected: loaded.rejected, labelSource: loaded.labelSource,
      unlisted: loaded.unlisted, unusedLists: loaded.unusedLists, imageSizes: loaded.imageSizes)
  }

  init(
    samples: [Sample], rejected: [Rejection], labelSource: LabelSource, unlisted: [String], unusedLists: [String],
    imageSizes: [String: Int]
  ) {
    var lengths: [Int: Int] = [:]
    var characters: [Character: Int] = [:]
    var types: [String: Int] = [:]
    for sample in samples {
      lengths[sample.label.count, default: 0] += 1
      for character in sample.label { characters[character, default: 0] += 1 }
      if let type = sample.type { types[type, default: 0] += 1 }
    }
    count = samples.count
    self.rejected = rejected
    self.lengths = lengths
    self.characters = Dictionary(uniqueKeysWithValues: characters.map { (String($0), $1) })
    self.types = types
    self.imageSizes = imageSizes
    self.labelSource = labelSource
    self.unlisted = unlisted
    self.unusedLists = unusedLists
  }
}
