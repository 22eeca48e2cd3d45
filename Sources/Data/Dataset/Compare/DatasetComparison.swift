import Foundation
import Tensor

/// How two folders of images look beside each other: the statistics of their images, of each type and of all.
///
/// ```swift
/// let comparison = try DatasetComparison("captchas", "drawn")
/// for measure in comparison.groups[0].measures where measure.isSignificant { print(measure.measure.rawValue) }
/// ```
public struct DatasetComparison: Sendable {
  /// One measure in the images of one type.
  public struct MeasureComparison: Sendable {
    public let measure: ImageStatistics.Measure
    /// Nil where no image of the folder has the measure.
    public let first: SampleMean?
    public let second: SampleMean?
    /// How far the second folder's mean lies above the first's, in joint standard errors; nil where not known.
    public let difference: Double?
    public let distribution: KolmogorovSmirnov?

    /// Whether chance hardly explains what differs: means four standard errors apart with at least 20 images in each
    /// folder, or distributions with a probability below 1 in 10,000. So strict because a report has many measures.
    public var isSignificant: Bool {
      let isLarge = min(first?.count ?? 0, second?.count ?? 0) >= 20
      return (isLarge && abs(difference ?? 0) >= 4) || (distribution?.probability ?? 1) < 0.0001
    }
  }

  /// The images of one type, or all.
  public struct Group: Sendable {
    /// The type, `unknown` for images without; nil for all images.
    public let type: String?
    /// How many images of the folders belong to it.
    public let firstCount: Int
    public let secondCount: Int
    public let measures: [MeasureComparison]
    /// Of red, green and blue; nil where a folder has fewer than two images.
    public let colors: [ColorDistance]?
  }

  /// One of the folders.
  public struct Folder: Sendable {
    public let path: String
    /// The images that could be read, in the order of their names.
    public let samples: [Sample]
    /// What could not be read.
    public let rejected: [Rejection]

    /// The path of an image.
    public func path(of sample: Sample) -> String { FolderImage.path(of: sample.name, in: path) }
  }

  public let first: Folder
  public let second: Folder
  /// All images, then each type in the order of the types' names, if any is known.
  public let groups: [Group]

  /// The type of an image in a comparison.
  public static func type(of sample: Sample) -> String { sample.type ?? "unknown" }

  /// Measures all images of two folders; their labels may be anything.
  ///
  /// - Throws: `DatasetError` if a folder can't be read or holds no images that can be.
  public init(
    _ firstPath: String, _ secondPath: String, limits: ImageLimits = ImageLimits(), progress: ProgressHandler? = nil
  ) throws {
    let listings = try [firstPath, secondPath].map { try DatasetListing(directory: $0) }
    let counter = ProgressCounter(total: listings.reduce(0) { $0 + $1.samples.count }, handler: progress)
    let one = FolderMeasures(listings[0], path: firstPath, limits: limits, counter: counter)
    let other = FolderMeasures(listings[1], path: secondPath, limits: limits, counter: counter)
    for folder in [one.folder, other.folder] where folder.samples.isEmpty {
      throw DatasetError.tooManyRejected(
        path: folder.path, rejected: folder.rejected, total: folder.rejected.count, maximumShare: 0)
    }
    (first, second) = (one.folder, other.folder)
    var groups = [Self.compare(one, other, type: nil)]
    if (first.samples + second.samples).contains(where: { $0.type != nil }) {
      let types = Set((first.samples + second.samples).map(Self.type))
      groups += types.sorted().map { Self.compare(one, other, type: $0) }
    }
    self.groups = groups
  }

  private static func compare(_ first: FolderMeasures, _ second: FolderMeasures, type: String?) -> Group {
    let (one, other) = (first.indices(of: type), second.indices(of: type))
    let measures = ImageStatistics.Measure.allCases.enumerated().map { index, measure in
      let (values, otherValues) = (first.values(index, one), second.values(index, other))
      let (mean, otherMean) = (SampleMean(values), SampleMean(otherValues))
      return MeasureComparison(
        measure: measure, first: mean, second: otherMean,
        difference: mean.flatMap { mean in otherMean.flatMap { mean.difference(to: $0) } },
        distribution: KolmogorovSmirnov(values, otherValues))
    }
    return Group(
      type: type, firstCount: one.count, secondCount: other.count, measures: measures,
      colors: first.histogram(type).distances(to: second.histogram(type)))
  }
}

/// The measures of all images of a folder.
private struct FolderMeasures {
  private(set) var folder: DatasetComparison.Folder
  private var statistics: [ImageStatistics] = []
  private var histograms: [String: ColorHistogram] = [:]

  /// How many images' histograms are held at once.
  private static let chunk = 4096

  init(_ listing: DatasetListing, path: String, limits: ImageLimits, counter: ProgressCounter) {
    var samples: [Sample] = []
    var rejected = listing.rejected
    for start in stride(from: 0, to: listing.samples.count, by: Self.chunk) {
      let part = Array(listing.samples[start..<min(start + Self.chunk, listing.samples.count)])
      let outcomes = Threads.map(count: part.count) { index in
        defer { counter.advance() }
        return Result {
          let content = try ImageFileContent(path: FolderImage.path(of: part[index].name, in: path), limits: limits)
          let image = try content.image(limits: limits)
          return (ImageStatistics(image), ColorHistogram.shares(image))
        }
      }
      for (sample, outcome) in zip(part, outcomes) {
        switch outcome {
        case .success(let (measures, shares)):
          samples.append(sample)
          statistics.append(measures)
          histograms[DatasetComparison.type(of: sample), default: ColorHistogram()].add(shares)
        case .failure(let error):
          rejected.append(
            Rejection(
              file: sample.name,
              reason: ImageFailure(error, path: FolderImage.path(of: sample.name, in: path)).reason))
        }
      }
    }
    folder = DatasetComparison.Folder(path: path, samples: samples, rejected: rejected)
  }

  /// The images of a type; nil for all.
  func indices(of type: String?) -> [Int] {
    folder.samples.indices.filter { type == nil || DatasetComparison.type(of: folder.samples[$0]) == type }
  }

  /// The values of measure number `measure`, where images have one.
  func values(_ measure: Int, _ indices: [Int]) -> [Double] {
    indices.map { statistics[$0].values[measure] }.filter { !$0.isNaN }
  }

  func histogram(_ type: String?) -> ColorHistogram {
    if let type { return histograms[type] ?? ColorHistogram() }
    return histograms.sorted { $0.key < $1.key }.reduce(into: ColorHistogram()) { $0.add($1.value) }
  }
}
