import Foundation

/// What is unusual about single pictures.
enum PictureFindings {
  /// Sizes are unusual if at least this share of the images has one other size.
  private static let usualShare = 0.9

  static func findings(_ images: [FolderImage]) -> [DatasetFinding] {
    var findings: [DatasetFinding] = []
    for image in images {
      let files = [image.sample.name]
      if image.image.isUniform {
        findings.append(
          DatasetFinding(.uniformPicture, files: files, detail: "all \(image.size) pixels have the same colour"))
      }
      if let format = image.image.misnamedFormat {
        findings.append(
          DatasetFinding(
            .wrongExtension, severity: .warning, files: files, detail: "the content is a \(format.displayName) image"))
      }
    }
    return findings + sizeFindings(images)
  }

  private static func sizeFindings(_ images: [FolderImage]) -> [DatasetFinding] {
    let sizes = images.reduce(into: [:]) { $0[$1.size, default: 0] += 1 }
    guard let usual = sizes.max(by: { $0.value < $1.value }), usual.value < images.count,
      Double(usual.value) >= usualShare * Double(images.count)
    else { return [] }
    return images.filter { $0.size != usual.key }.map {
      DatasetFinding(
        .unusualSize, files: [$0.sample.name],
        detail: "\($0.size), where \(usual.value) of \(images.count) images are \(usual.key)")
    }
  }
}
