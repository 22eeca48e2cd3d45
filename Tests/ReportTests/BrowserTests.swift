import Callbacks
import Foundation
import Testing

@testable import Report

/// The page as a browser shows it.
@Suite(.enabled(if: HeadlessBrowser.installed != nil, HeadlessBrowser.isMissing), .serialized)
struct BrowserTests {
  /// Those of a phone and of a desk.
  private static let widths = [360, 1280]

  private let browser: HeadlessBrowser

  init() throws { browser = try #require(HeadlessBrowser.installed) }

  private func measure(_ reports: [(page: String, width: Int)]) throws -> [ReportMeasurement] {
    let file = try PageFile()
    try BrowserProbe.page(reports).write(to: file.url, atomically: false, encoding: .utf8)
    let page = try browser.open(file.url)
    #expect(page.console.isEmpty)
    let measured = try BrowserProbe.measurements(page.document)
    #expect(measured.map(\.width) == reports.map { Double($0.width) })
    return measured
  }

  /// Measures a page that must be without fault.
  private func measure(_ file: PageFile) throws -> [ReportMeasurement] {
    let page = try file.text()
    let measured = try measure(Self.widths.map { (page, $0) })
    #expect(measured.flatMap(\.faults) == [])
    return measured
  }

  @Test func everythingIsDrawn() throws {
    let file = try PageFile()
    try file.send(
      MadeUpTraining(), to: file.sink(),
      outcome: .stopped(.noImprovement(monitor: .valLoss, patience: 3, best: 0.25, bestEpoch: 1)))
    for result in try measure(file) {
      // Two losses, three shares and the rate.
      #expect(result.curves.count == 6)
      // Two types, two lengths, four positions.
      #expect(result.bars.count == 8)
      // Ten characters that were read right and three confusions.
      #expect(result.cells == 13)
      #expect(result.pictures == Array(repeating: 200, count: 6))
    }
    // The page alone, as a reader opens it.
    #expect(try browser.open(file.url).console.isEmpty)
  }

  /// The measuring itself: each of these spoils one thing in a good page.
  @Test func whatIsNotDrawnIsNoticed() throws {
    let file = try PageFile()
    var training = MadeUpTraining()
    training.misreadCount = 1
    try file.send(training, to: file.sink())
    let page = try file.text()
    let spoilt: [(page: String, fault: String)] = [
      (page.replacing(/class="curve rate" d="[^"]*"/, with: "class=\"curve rate\" d=\"\""), "the curves' lengths"),
      (page.replacing("</style>", with: ".lines { display: none; }</style>"), "empty figures"),
      (page.replacing("</style>", with: ".heat path { display: none; }</style>"), "invisible"),
      (page.replacing(/class="share" width="[^"]*"/, with: "class=\"share\" width=\"0\""), "the bars' widths"),
      (page.replacing("base64,iVBOR", with: "base64,AAAAA"), "the pictures' widths"),
      (page.replacing("</style>", with: "main { min-width: 380px; }</style>"), "the page is"),
      (
        page.replacing("</style>", with: "body { overflow: hidden } .card { min-width: 400px }</style>"),
        "beyond the page"
      ),
    ]
    for spoilt in spoilt { #expect(spoilt.page != page, "\(spoilt.fault)") }
    let measured = try measure(spoilt.map { ($0.page, 360) })
    for (spoilt, result) in zip(spoilt, measured) {
      #expect(result.faults.contains { $0.contains(spoilt.fault) }, "\(spoilt.fault): \(result.faults)")
    }
    // A script that is smuggled in does not run, and the console says so.
    let other = try PageFile()
    try page.replacing("</main>", with: "<script>document.title = 'ran'</script></main>")
      .write(to: other.url, atomically: false, encoding: .utf8)
    let opened = try browser.open(other.url)
    #expect(!opened.console.isEmpty && !opened.document.contains("<title>ran</title>"))
  }

  /// With all 62 characters the map is wider than a phone.
  @Test func longTrainingsOfManyCharacters() throws {
    let file = try PageFile()
    var training = MadeUpTraining()
    training.characters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ").map(String.init)
    (training.epochs, training.epochsDone, training.spoiltEpochs) = (300, 300, [20, 21, 150])
    (training.type, training.misreadCount) = (String(repeating: "averylongname", count: 9), 1)
    let sink = file.sink(configuration: String(repeating: "long: ", count: 90))
    try file.send(training, to: sink, outcome: nil)
    try sink.receive(.warning(String(repeating: "w", count: 400)))
    try sink.receive(.trainEnded(.failed(String(repeating: "e", count: 400)), epochsRun: 300, seconds: 1))
    for result in try measure(file) { #expect(result.cells == 65) }
  }

  @Test func aSingleEpochAndNone() throws {
    var training = MadeUpTraining()
    (training.epochs, training.epochsDone) = (1, 1)
    let file = try PageFile()
    try file.send(training, to: file.sink())
    for result in try measure(file) { #expect(result.curves.isEmpty && result.bars.count == 8) }

    let empty = try PageFile()
    try empty.sink().receive(.trainEnded(.failed("nothing was trained"), epochsRun: 0, seconds: 0))
    for result in try measure([(empty.text(), 360)]) {
      #expect(result.figures == 0 && result.scrollWidth <= result.clientWidth && result.overflowing.isEmpty)
    }
  }

  @Test func hostileTextsAreShownAsTheyAre() throws {
    let hostile = "</title></script><script>parent.tampered = true</script><img src=x onerror=tampered=1>\"'&amp;שלום👾"
    var training = MadeUpTraining()
    training.type = hostile
    let file = try PageFile()
    try file.send(training, to: file.sink(title: hostile, configuration: hostile, facts: [(hostile, hostile)]))
    for result in try measure(file) {
      #expect(result.title == hostile && result.configuration == hostile)
      #expect(result.types == [hostile, "math"])
    }
  }
}
