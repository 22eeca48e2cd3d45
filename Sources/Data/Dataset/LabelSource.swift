/// Where the labels of a data set come from. Of several lists in a folder the first in this order is used.
public enum LabelSource: String, Sendable, Codable, CaseIterable {
  /// `manifest.jsonl`, one JSON object per line with `file`, `label` and optionally `type`, `text`, `style`.
  case manifest
  /// `labels.csv`, whose first row names the columns: `file`, `label` and optionally `type`, `text`, `style`.
  case csv
  /// `labels.tsv`, the same with tabs between the columns.
  case tsv
  /// `labels.txt`, one `file<TAB>label` per line without a header.
  case labelFile
  /// File names of the form `LABEL-HASH.png` or `LABEL_HASH.png`, with the extension of any image format.
  case fileNames

  /// The name of the list in the folder; nil for file names, which need none.
  public var listName: String? {
    switch self {
    case .manifest: return "manifest.jsonl"
    case .csv: return "labels.csv"
    case .tsv: return "labels.tsv"
    case .labelFile: return "labels.txt"
    case .fileNames: return nil
    }
  }
}
