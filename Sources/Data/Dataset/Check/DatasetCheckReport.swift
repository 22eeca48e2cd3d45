/// What `DatasetChecker` looks for and how.
public struct DatasetCheckOptions: Sendable {
  /// Decides which labels are accepted; nil accepts every label.
  public var codec: LabelCodec?
  /// Whether every character of the codec's charset should occur; otherwise only those of the groups digits, small letters,
  /// capital letters and others of which at least one occurs.
  public var expectsWholeCharset: Bool
  /// The largest image files that are read.
  public var limits: ImageLimits

  public init(
    codec: LabelCodec? = LabelCodec(), expectsWholeCharset: Bool = false, limits: ImageLimits = ImageLimits()
  ) {
    self.codec = codec
    self.expectsWholeCharset = expectsWholeCharset
    self.limits = limits
  }
}

/// What a check of a folder gave.
public struct DatasetCheckReport: Sendable {
  /// The folder's counts, the same as `DatasetLoader.inspect` gives.
  public let statistics: DatasetStatistics
  /// What was found, in the order of the kinds; those of a kind by their files, likely wrong labels by falling confidence.
  public let findings: [DatasetFinding]

  /// How many findings there are of each kind that was found.
  public var counts: [DatasetFinding.Kind: Int] {
    findings.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 }
  }

  /// How many findings have this severity.
  public func count(_ severity: DatasetFinding.Severity) -> Int {
    findings.reduce(0) { $0 + ($1.severity == severity ? 1 : 0) }
  }
}

extension [DatasetFinding] {
  /// The findings in the order of a report.
  func sortedForReport() -> [DatasetFinding] {
    let order = Dictionary(uniqueKeysWithValues: DatasetFinding.Kind.allCases.enumerated().map { ($1, $0) })
    return map { (order[$0.kind] ?? 0, -($0.confidence ?? 0), $0) }.sorted { one, other in
      if (one.0, one.1) != (other.0, other.1) { return (one.0, one.1) < (other.0, other.1) }
      if one.2.files != other.2.files { return one.2.files.lexicographicallyPrecedes(other.2.files) }
      return one.2.detail < other.2.detail
    }.map(\.2)
  }
}
