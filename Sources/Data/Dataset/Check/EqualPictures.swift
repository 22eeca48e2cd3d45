import Foundation
import Tensor

/// Images that show the same picture, within a folder and between it and one to validate with.
struct EqualPictures {
  let findings: [DatasetFinding]

  /// Some images that all show the same picture.
  private struct Group: Sendable {
    let images: [FolderImage]
    /// The MD5 digest of each image's file.
    let digests: [String]
  }

  /// Compares the pictures whose hashes are equal, reading their files again.
  ///
  /// - Parameter progress: called as files are read.
  init(
    _ images: [FolderImage], validation: [FolderImage], limits: ImageLimits, progress: @escaping ProgressHandler
  ) {
    // Without a copy where there is only one folder.
    let all = validation.isEmpty ? images : images + validation
    let candidates = EqualGroups.candidates(all.map(\.image.pictureHash))
    let counter = ProgressCounter(total: candidates.reduce(0) { $0 + $1.count }, handler: progress)
    let groups = Threads.map(count: candidates.count) { item in
      var digests: [Int: String] = [:]
      let groups = EqualGroups.verified(candidates[item]) { index in
        defer { counter.advance() }
        let content = PictureContent(path: all[index].path, limits: limits)
        digests[index] = content.map { MD5.hexDigest($0.file.bytes) }
        return content
      } areEqual: {
        $0.isEqual(to: $1)
      }
      return groups.map { members in
        let known = members.map { (index: $0, digest: digests[$0] ?? "") }
        let own = known.filter { $0.index < images.count }
        let other = known.filter { $0.index >= images.count }
        func group(_ part: [(index: Int, digest: String)]) -> Group {
          Group(images: part.map { all[$0.index] }, digests: part.map(\.digest))
        }
        return Self.duplicates(group(own)) + Self.leaks(own: group(own), validation: group(other))
      }
    }
    findings = groups.flatMap { $0.flatMap { $0 } }
  }

  /// What to say of one picture in several files of the folder.
  private static func duplicates(_ group: Group) -> [DatasetFinding] {
    guard group.images.count > 1 else { return [] }
    let files = group.images.map(\.sample.name)
    let labels = group.images.map(\.sample.label)
    if Set(labels).count > 1 {
      let isCase = Set(labels.map { $0.lowercased() }).count == 1
      return [
        DatasetFinding(
          isCase ? .labelCaseConflict : .contradictoryLabel, files: files,
          detail: "the same picture with the labels \(quoted(labels))")
      ]
    }
    let byDigest = Dictionary(grouping: files.indices) { group.digests[$0] }
    var findings = byDigest.values.filter { $0.count > 1 }.map { same in
      DatasetFinding(
        .duplicateFile, files: same.map { files[$0] }, detail: "the same bytes, label \(quoted([labels[0]]))")
    }
    if byDigest.count > 1 {
      findings.append(
        DatasetFinding(
          .duplicatePicture, files: files,
          detail: "the same picture in different bytes, label \(quoted([labels[0]]))"))
    }
    return findings
  }

  /// What to say of one picture in both folders.
  private static func leaks(own: Group, validation: Group) -> [DatasetFinding] {
    guard let first = own.images.first else { return [] }
    let labels = Set(own.images.map(\.sample.label))
    return validation.images.map { image in
      DatasetFinding(
        .leakedPicture, files: own.images.map(\.sample.name) + [image.path],
        detail: labels.contains(image.sample.label)
          ? "the same picture in both folders"
          : "the same picture in both folders, with the labels \(quoted([first.sample.label, image.sample.label]))")
    }
  }

  /// Labels in quotation marks, each once, in order.
  private static func quoted(_ labels: [String]) -> String {
    Set(labels).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
  }
}

/// A file whose picture is compared with others.
private final class PictureContent {
  let file: ImageFileContent
  private let limits: ImageLimits
  // Not decoded where the bytes are equal already.
  private lazy var image = try? file.image(limits: limits)

  /// Nil where the file is no longer there.
  init?(path: String, limits: ImageLimits) {
    guard let file = try? ImageFileContent(path: path, limits: limits) else { return nil }
    self.file = file
    self.limits = limits
  }

  func isEqual(to other: PictureContent) -> Bool {
    if file.bytes == other.file.bytes { return true }
    guard let image, let picture = other.image else { return false }
    return image.showsSamePicture(as: picture)
  }
}
