/// What the labels of a folder say about themselves, before any image is read.
struct LabelFindings {
  /// The images whose labels are accepted.
  private(set) var accepted: [Sample] = []
  private(set) var rejected: [Rejection] = []
  private(set) var findings: [DatasetFinding] = []

  /// - Parameter codec: decides which labels are accepted; nil accepts all.
  init(_ samples: [Sample], codec: LabelCodec?) {
    for sample in samples {
      findings += Self.textFindings(sample)
      let hasSpace = sample.label.first?.isWhitespace == true || sample.label.last?.isWhitespace == true
      do {
        _ = try codec?.encode(sample.label)
        accepted.append(sample)
        if hasSpace {
          findings.append(
            DatasetFinding(
              .labelWhitespace, severity: .warning, files: [sample.name], detail: Self.whitespaceDetail(sample)))
        }
      } catch {
        let labelError = error as? LabelError
        let reason = labelError?.reason ?? "\(error)"
        rejected.append(Rejection(file: sample.name, reason: reason))
        let kind: DatasetFinding.Kind =
          switch labelError {
          case .emptyLabel: .emptyLabel
          case .tooLong: .labelTooLong
          default: .labelOutsideCharset
          }
        findings.append(
          hasSpace
            ? DatasetFinding(.labelWhitespace, files: [sample.name], detail: Self.whitespaceDetail(sample))
            : DatasetFinding(kind, files: [sample.name], detail: reason))
      }
    }
  }

  private static func whitespaceDetail(_ sample: Sample) -> String {
    "label \"\(sample.label)\" begins or ends with white space"
  }

  /// Compares the label with the text that the image shows, where that is known.
  private static func textFindings(_ sample: Sample) -> [DatasetFinding] {
    guard let text = sample.text, text.lowercased() != sample.label.lowercased() else { return [] }
    // A list without types may hold sums too.
    let answer = sample.type == nil || sample.type == CaptchaType.math.rawValue ? ArithmeticText(text).answer : nil
    if let answer {
      if sample.label == String(answer) { return [] }
      return [
        DatasetFinding(
          .wrongAnswer, files: [sample.name],
          detail: "label \"\(sample.label)\" is not the answer of \"\(text)\", which is \(answer)")
      ]
    }
    if sample.type == CaptchaType.math.rawValue { return [] }
    return [
      DatasetFinding(
        .labelTextMismatch, files: [sample.name], detail: "label \"\(sample.label)\", text \"\(text)\"")
    ]
  }
}
