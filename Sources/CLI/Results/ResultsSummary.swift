import Callbacks

/// The numbers of the page's first tables; the fields of `results --json`.
struct ResultsSummary: Encodable {
  struct Run: Encodable {
    let run: String
    let recipe: String?
    let architecture: String?
    let parameters: Int?
    let images: Int?
    let trainingSeconds: Double?
    let validationSeconds: Double?
    let imagesPerSecond: Double?
    let passed: [Passed]
    let evaluations: [Evaluation]
    /// What the run has not recorded, a sentence each.
    let missing: [String]

    private enum CodingKeys: String, CodingKey {
      case run, recipe, architecture, parameters, images, passed, evaluations, missing
      case trainingSeconds = "training_seconds"
      case validationSeconds = "validation_seconds"
      case imagesPerSecond = "images_per_second"
    }
  }

  /// When a run first had an exact match; without epoch where it never had.
  struct Passed: Encodable {
    let exactMatch: Double
    /// From 0.
    let epoch: Int?
    let images: Int?
    let trainingSeconds: Double?

    private enum CodingKeys: String, CodingKey {
      case epoch, images
      case exactMatch = "exact_match"
      case trainingSeconds = "training_seconds"
    }
  }

  struct Evaluation: Encodable {
    let name: String
    let count: Int
    let exactMatch: Double
    let exactMatchInterval: [Double]

    private enum CodingKeys: String, CodingKey {
      case name, count
      case exactMatch = "exact_match"
      case exactMatchInterval = "exact_match_ci95"
    }
  }

  let runs: [Run]
  /// The page's file; nil where none was written.
  let output: String?

  init(_ records: [RunRecord], output: String?) {
    self.output = output
    runs = records.map { record in
      let (start, last) = (record.first ?? record.starts.first, record.timeline?.rows.last)
      return Run(
        run: record.name, recipe: start?.recipe, architecture: start?.architecture, parameters: start?.parameters,
        images: last?.images, trainingSeconds: last?.trainingSeconds, validationSeconds: last?.validationSeconds,
        imagesPerSecond: record.timeline?.imagesPerSecond,
        passed: ResultsPage.passedMarks.map { mark in
          let row = record.timeline?.passing(mark)
          return Passed(
            exactMatch: mark, epoch: row?.epoch, images: row?.images, trainingSeconds: row?.trainingSeconds)
        },
        evaluations: record.evaluations.map {
          Evaluation(
            name: $0.name, count: $0.report.count, exactMatch: $0.report.exactMatch,
            exactMatchInterval: $0.report.exactMatchInterval)
        },
        missing: record.missing)
    }
  }
}
