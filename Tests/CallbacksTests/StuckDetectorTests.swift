import Testing

@testable import Callbacks

/// A training that reads nothing is told why.
@Suite struct StuckDetectorTests {
  private func reading(_ label: String, _ text: String) -> LabelledReading {
    LabelledReading(label: label, text: text, confidence: 0.5)
  }

  /// What the detector says after `epochs` epochs without an image read right.
  private func warning(
    _ readings: [LabelledReading], charset: String = "", contradictions: [ContradictoryLabels] = [],
    rate: Float = 0.001, losses: [Double] = [3, 2, 1], trainingExactMatch: Double = 0
  ) throws -> String {
    let context = FakeContext.any(rate: rate)
    context.plan.charset = charset
    context.measuredReadings = readings
    context.contradictions = contradictions
    let detector = StuckDetector(patience: losses.count, samples: 500)
    detector.onTrainBegin(context)
    for (epoch, loss) in losses.enumerated() {
      #expect(context.events.isEmpty)
      context.epoch = epoch
      var logs: Logs = [.valExactMatch: 0, .exactMatch: trainingExactMatch, .loss: loss]
      try detector.onEpochEnd(context, logs: &logs)
    }
    #expect(context.askedSamples == [500])
    guard case .warning(let text) = try #require(context.events.first), context.events.count == 1 else {
      Issue.record("no warning, or something else")
      return ""
    }
    return text
  }

  /// Different wrong readings, as of a training that has only begun.
  private func various(_ count: Int = 200) -> [LabelledReading] {
    (0..<count).map { reading("\(1000 + $0)", "\(9000 - 7 * $0)") }
  }

  @Test func allPadding() throws {
    let text = try warning((0..<100).map { reading("\($0)", $0 < 97 ? "" : "4") })
    #expect(text.contains("stuck_detector: no validation image was read right for 3 epochs"))
    #expect(text.contains("the output is all padding (97 % of the readings are empty)"))
  }

  @Test func oneReadingForAll() throws {
    #expect(
      try warning((0..<100).map { reading("\($0)", $0 < 95 ? "1123" : "4") }).contains(
        "95 % of the images are read as \"1123\""))
  }

  @Test func labelsThatContradict() throws {
    let text = try warning(
      various(), contradictions: [ContradictoryLabels(names: ["a.png", "b.png"], labels: ["12", "34"])])
    #expect(text.contains("a.png and b.png are the same picture with the labels \"12\" and \"34\""))
  }

  @Test func upperAndLowerCase() throws {
    let text = try warning(
      (0..<100).map { $0 < 40 ? reading("ab\($0)", "AB\($0)") : reading("x\($0)", "yz\($0 * 7)") })
    #expect(text.contains("wrong charset: 40 % of the readings differ from the label in upper and lower case only"))
  }

  @Test func validationLabelsByOtherRules() throws {
    let text = try warning((0..<100).map { reading("ü\($0)", "\($0 + 7)") }, trainingExactMatch: 0.9)
    #expect(text.contains("90 % of the training images are read right"))
    #expect(text.contains("its characters ü"))
  }

  @Test func aCharsetOfWhichMostIsNotUsed() throws {
    let charset = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    #expect(
      try warning(various(), charset: charset).contains(
        "the model chooses among 62 characters and the labels have 10 of them (0123456789)"))
    #expect(try !warning(various(), charset: "0123456789").contains("charset"))
  }

  @Test func aRateThatMovesNothing() throws {
    #expect(
      try warning(various(), rate: 1e-7, losses: [2.5, 2.499, 2.498]).contains(
        "the loss has hardly moved (2.5 to 2.498 in 3 epochs): the learning rate 1e-07 is too low; try 1e-06"))
    #expect(try warning(various(), rate: 0.1, losses: [2.5, 2.51, 2.5]).contains("try a tenth of it"))
    #expect(try warning(various(), losses: [2.5, 2, .nan]).contains("the loss is nan; lower the learning rate"))
  }

  @Test func outputsThatAreNotANumber() throws {
    let readings = (0..<50).map { LabelledReading(label: "\($0)", text: "0000", confidence: .nan) }
    #expect(try warning(readings).contains("the model's outputs are NaN or infinite"))
  }

  @Test func noUsualCause() throws {
    #expect(try warning(various()).contains("no usual cause was found"))
  }

  @Test func warnsAgainOnlyAfterTwiceAsLongAndForgetsOnTheFirstSuccess() throws {
    let context = FakeContext.any()
    context.measuredReadings = various()
    let detector = StuckDetector(patience: 2)
    var warned: [Int] = []
    for epoch in 0..<20 {
      (context.epoch, context.events) = (epoch, [])
      var logs: Logs = [.valExactMatch: epoch == 11 ? 0.01 : 0, .loss: 1]
      try detector.onEpochEnd(context, logs: &logs)
      if !context.events.isEmpty { warned.append(epoch) }
    }
    #expect(warned == [1, 3, 7, 13, 15, 19])
  }
}
