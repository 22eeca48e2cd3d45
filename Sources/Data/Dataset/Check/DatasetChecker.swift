import Foundation
import Tensor

/// Looks for what is wrong or doubtful in a folder of labelled images: files and labels that can't be used, duplicates,
/// contradictions, names that don't fit, unusual pictures, gaps, and images that are also in another folder.
///
/// Every image is decoded once, and again only where another may show the same picture. No pixels are kept, so that memory
/// grows by some hundred bytes per image.
/// ```swift
/// let report = try DatasetChecker().check("images", validation: "new-images")
/// for finding in report.findings { print(finding.kind.rawValue, finding.files, finding.detail) }
/// ```
public struct DatasetChecker: Sendable {
  /// What a check does at the moment.
  public enum Stage: Sendable { case reading, comparing }

  /// Called with the stage, the number of images done and of all in this stage; never by two threads at once.
  public typealias StageProgress = @Sendable (_ stage: Stage, _ done: Int, _ total: Int) -> Void

  public let options: DatasetCheckOptions

  /// How many images are decoded before an auditor gets them.
  private static let chunk = 256

  public init(options: DatasetCheckOptions = DatasetCheckOptions()) { self.options = options }

  /// Checks the folder at `path`.
  ///
  /// - Parameters:
  ///   - validation: a folder of images to validate with, none of which should be in the other.
  ///   - auditor: looks at all images that can be used.
  /// - Throws: `DatasetError` if a folder can't be read or holds no images.
  public func check(
    _ path: String, validation: String? = nil, auditor: (any DatasetAuditor)? = nil, progress: StageProgress? = nil
  ) throws -> DatasetCheckReport {
    let listing = try DatasetListing(directory: path)
    let validationListing = try validation.map { try DatasetListing(directory: $0) }
    let labels = LabelFindings(listing.samples, codec: options.codec)
    let validationSamples = validationListing?.samples ?? []
    let counter = ProgressCounter(total: labels.accepted.count + validationSamples.count) { done, total in
      progress?(.reading, done, total)
    }

    let (outcomes, audit) = read(labels.accepted, in: path, counter: counter, auditor: auditor)
    var findings = listing.findings + labels.findings + audit
    var rejected = listing.rejected + labels.rejected
    var images: [FolderImage] = []
    for (sample, outcome) in zip(labels.accepted, outcomes) {
      switch outcome {
      case .success(let image): images.append(FolderImage(sample: sample, image: image, folder: path))
      case .failure(let failure):
        rejected.append(Rejection(file: sample.name, reason: failure.reason))
        findings.append(
          DatasetFinding(failure.kind, severity: .error, files: [sample.name], detail: failure.reason))
      }
    }

    var validationImages: [FolderImage] = []
    if let validation {
      let outcomes = read(validationSamples, in: validation, counter: counter, auditor: nil).outcomes
      for (sample, outcome) in zip(validationSamples, outcomes) {
        switch outcome {
        case .success(let image):
          validationImages.append(FolderImage(sample: sample, image: image, folder: validation))
        case .failure(let failure):
          // It can't be compared, which is all that the other folder is for.
          findings.append(
            DatasetFinding(
              failure.kind, severity: .warning, files: [FolderImage.path(of: sample.name, in: validation)],
              detail: failure.reason))
        }
      }
    }

    let equal = EqualPictures(images, validation: validationImages, limits: options.limits) { done, total in
      progress?(.comparing, done, total)
    }
    findings += equal.findings
    findings += Self.sharedNames(listing.samples, validationSamples, validationFolder: validation, apart: findings)
    findings += NameFindings.findings(images, hasList: listing.source != .fileNames)
    findings += PictureFindings.findings(images)

    let statistics = DatasetStatistics(
      samples: images.map(\.sample), rejected: rejected, labelSource: listing.source, unlisted: listing.unlisted,
      unusedLists: listing.unusedLists, imageSizes: images.reduce(into: [:]) { $0[$1.size, default: 0] += 1 })
    findings += BalanceFindings.findings(
      statistics, charset: options.codec?.charset, expectsWholeCharset: options.expectsWholeCharset)
    return DatasetCheckReport(statistics: statistics, findings: findings.sortedForReport())
  }

  private typealias Outcome = Result<CheckedImage, CheckedImage.Failure>

  /// Reads the images, several at once, and lets the auditor look at them, some at a time.
  private func read(
    _ samples: [Sample], in folder: String, counter: ProgressCounter, auditor: (any DatasetAuditor)?
  ) -> (outcomes: [Outcome], findings: [DatasetFinding]) {
    @Sendable func read(_ index: Int, use: (Image) -> Void) -> Outcome {
      defer { counter.advance() }
      do {
        return .success(
          try CheckedImage(path: "\(folder)/\(samples[index].name)", limits: options.limits, use: use))
      } catch {
        return .failure(error)
      }
    }
    guard let auditor else {
      return (Threads.map(count: samples.count) { read($0) { _ in } }, [])
    }
    var outcomes: [Outcome] = []
    var findings: [DatasetFinding] = []
    let prepare = auditor.preparation
    for start in stride(from: 0, to: samples.count, by: Self.chunk) {
      let part = Threads.map(count: min(Self.chunk, samples.count - start)) { offset in
        var prepared: Image?
        let outcome = read(start + offset) { prepared = prepare($0) }
        return (outcome, prepared)
      }
      outcomes += part.map(\.0)
      findings += auditor.audit(
        part.enumerated().compactMap { offset, result in result.1.map { (samples[start + offset], $0) } })
    }
    return (outcomes, findings)
  }

  /// Names that both folders have, except those that `findings` already call the same picture.
  private static func sharedNames(
    _ samples: [Sample], _ validationSamples: [Sample], validationFolder: String?, apart findings: [DatasetFinding]
  ) -> [DatasetFinding] {
    guard let validationFolder else { return [] }
    let names = Set(samples.map(\.name))
    let leaked = Set(findings.filter { $0.kind == .leakedPicture }.flatMap(\.files))
    return validationSamples.map(\.name).filter(names.contains).compactMap { name in
      let file = FolderImage.path(of: name, in: validationFolder)
      return leaked.contains(file)
        ? nil : DatasetFinding(.leakedName, files: [name, file], detail: "the same file name in both folders")
    }
  }
}

/// An image that could be read, and where it lies.
struct FolderImage: Sendable {
  let sample: Sample
  let image: CheckedImage
  let folder: String

  /// Such as `200×60`.
  var size: String { "\(image.width)×\(image.height)" }

  var path: String { Self.path(of: sample.name, in: folder) }

  static func path(of name: String, in folder: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}

extension DatasetListing {
  /// What is wrong with the list, and the files that it leaves out.
  fileprivate var findings: [DatasetFinding] {
    let listed = Set(samples.map(\.name))
    return rejected.map { rejection in
      let kind: DatasetFinding.Kind =
        source == .fileNames ? .noLabel : listed.contains(rejection.file) ? .listedTwice : .invalidListEntry
      return DatasetFinding(kind, files: [rejection.file], detail: rejection.reason)
    } + unlisted.map { DatasetFinding(.unlistedFile, files: [$0], detail: "the list does not name it") }
      + unusedLists.map { list in
        DatasetFinding(.unusedList, files: [list], detail: "the labels come from \(source.listName ?? "file names")")
      }
  }
}
