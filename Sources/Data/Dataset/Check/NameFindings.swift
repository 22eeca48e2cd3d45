/// What the names of files of the form `LABEL-HASH.png` say against their labels and contents.
///
/// Other programs name files in other ways, and a name is only evidence where names are such by custom: so a disagreement
/// is reported where at least half of the names of that form agree.
enum NameFindings {
  /// - Parameter hasList: whether labels come from elsewhere than the names.
  static func findings(_ images: [FolderImage], hasList: Bool) -> [DatasetFinding] {
    var findings: [DatasetFinding] = []
    let withDigest = images.filter { $0.image.hasDigestOfName != nil }
    let changed = withDigest.filter { $0.image.hasDigestOfName == false }
    if 2 * changed.count <= withDigest.count {
      findings += changed.map {
        DatasetFinding(
          .changedFile, files: [$0.sample.name],
          detail: "the MD5 digest in the name is not that of the content: the file was changed or damaged")
      }
    }
    guard hasList else { return findings }
    var named = 0
    var others: [DatasetFinding] = []
    for image in images {
      let (name, sample) = (FileNameParts(image.sample.name), image.sample)
      guard name.hasPlausibleHash, let label = name.label else { continue }
      named += 1
      if label == sample.label || label == sample.text { continue }
      others.append(
        DatasetFinding(
          .labelNameMismatch, files: [sample.name], detail: "label \"\(sample.label)\", in the name \"\(label)\""))
    }
    return 2 * others.count <= named ? findings + others : findings
  }
}
