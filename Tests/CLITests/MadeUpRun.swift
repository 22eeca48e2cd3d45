import Foundation

/// Run directories with known numbers, as a training and `evaluate --record` leave them.
struct MadeUpRun {
  let runner: CommandRunner
  let path: String

  init(_ runner: CommandRunner, _ path: String) throws {
    self.runner = runner
    self.path = path
    try FileManager.default.createDirectory(
      atPath: runner.path("\(path)/evaluations"), withIntermediateDirectories: true)
  }

  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: runner.path("\(path)/\(file)")))
  }

  static let header = "epoch,step,images,training_seconds,validation_seconds,loss,val_loss,val_exact_match"

  func timeline(_ rows: [String]) throws {
    try write(([Self.header] + rows).map { $0 + "\r\n" }.joined(), to: "timeline.csv")
  }

  static let machine =
    #"{"blas":"SkylakeX","cpu":"A fast one","memory_bytes":25769803776,"processors":2,"simd":"avx512","#
    + #""system":"An OS","threads":2}"#

  private static func startLine(_ command: String, epoch: Int, recipe: String) -> String {
    #"{"architecture":"crnn","batch_size":128,"command_line":\#(command),"epoch":\#(epoch),"images":60000,"machine":"#
      + machine + #","parameters":1234567,"precision":"bfloat16","program_version":"0.6.0",\#(recipe)"resumed":"#
      + #"\#(epoch > 0),"seed":42,"time":"2026-11-27T10:0\#(epoch):00Z","validation_images":2000}"# + "\n"
  }

  /// A line of `starts.jsonl`.
  static let start = startLine(
    #"["captcha-cli","train","--recipe","fast","--run","it's"]"#, epoch: 0, recipe: #""recipe":"fast","#)

  func starts() throws {
    try write(
      Self.start + Self.startLine(#"["captcha-cli","train","--resume","--run","it's"]"#, epoch: 2, recipe: ""),
      to: "starts.jsonl")
  }

  /// 200 of 250 images right; of 50 errors 10 are of case and 20 of look-alikes.
  static let report = """
    "binary_accuracy": 0.99,
    "by_length": {"10": {"count": 50, "exact_match": 0.5}, "4": {"count": 200, "exact_match": 0.875}},
    "by_type": {"digit": {"count": 100, "exact_match": 0.95}, "math": {"count": 150, "exact_match": 0.7}},
    "character_accuracy": 0.9625,
    "confusions": [
      {"count": 32, "predicted": "O", "true": "0"}, {"count": 16, "predicted": "", "true": "|"},
      {"count": 8, "predicted": "`", "true": ""}
    ],
    "count": 250,
    "errors_by_wrong_characters": {"1": 40, "2": 6, "4": 3, "7": 1},
    "exact_match": 0.8,
    "exact_match_case_folded": 0.84,
    "exact_match_ci95": [0.745, 0.845],
    "exact_match_confusables_merged": 0.88,
    "examples": [],
    "images_per_second": 812.4,
    "inexpressible_labels": 3,
    "loss": null,
    "per_position": [0.99, 0.98],
    "precision": 0.9,
    "recall": 0.9,
    "wrong_characters": 64
    """

  static let record = """
    {
    "command_line": ["captcha-cli", "evaluate", "runs/fast/m.safetensors", "--data", "new images"],
    "data": {"count": 250, "folder": "new images", "styles": {"library": 250}, "types": {"digit": 100, "math": 150}},
    "machine": \(machine),
    "model": "runs/fast/m.safetensors",
    "model_md5": "0123456789abcdef0123456789abcdef",
    "program_version": "0.6.0",
    "time": "2026-11-27T12:00:00Z",
    \(report)
    }
    """
}
