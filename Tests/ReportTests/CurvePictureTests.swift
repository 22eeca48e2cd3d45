import Foundation
import Testing

@testable import Report

/// A picture of curves: where its parts lie.
@Suite struct CurvePictureTests {
  private func picture(_ curves: [CurvePicture.Curve]) -> String {
    CurvePicture(
      title: "A & B", horizontalTitle: "minutes", curves: curves, levels: [CurvePicture.Level(name: "old", share: 0.5)]
    ).svg()
  }

  /// The attributes of all elements of a name, and of a class where one is asked for.
  private func elements(_ svg: String, _ name: String, _ style: String? = nil) throws -> [[String: String]] {
    svg.matches(of: try Regex("<\(name) ([^>]*)>", as: (Substring, Substring).self)).map { match in
      Dictionary(
        uniqueKeysWithValues: match.output.1.matches(of: /([\w-]+)="([^"]*)"/).map { (String($0.1), String($0.2)) })
    }.filter { style == nil || $0["class"] == style }
  }

  private func number(_ element: [String: String], _ attribute: String) throws -> Double {
    try #require(element[attribute].flatMap(Double.init))
  }

  /// Points lie where the grid says: minutes 0 to 100 over 760 pixels, shares 0 to 1 over 380.
  @Test func pointsLieWhereTheyShould() throws {
    let svg = picture([
      CurvePicture.Curve(
        name: "<run>",
        points: [(0, 0), (50, 0.25), (100, 1)].map { CurvePicture.Point(minutes: $0.0, share: $0.1) })
    ])
    let circles = try elements(svg, "circle")
    #expect(try circles.map { try number($0, "cx") } == [62, 442, 822])
    #expect(try circles.map { try number($0, "cy") } == [424, 329, 44])
    let level = try #require(try elements(svg, "line", "level").first)
    #expect(try number(level, "y1") == 234 && number(level, "y2") == 234)
    #expect(try number(level, "x1") == 62 && number(level, "x2") == 822)
    let texts = svg.matches(of: /<text [^>]*>([^<]*)<\/text>/).map { String($0.1) }
    #expect(
      Set(texts).isSuperset(of: ["A &amp; B", "&lt;run&gt;", "old", "minutes", "0", "100", "100\u{A0}%"]), "\(texts)")
  }

  @Test func everythingIsInsideThePicture() throws {
    let curves = (0..<9).map { index in
      CurvePicture.Curve(
        name: "\(index)",
        points: (0..<100).map { CurvePicture.Point(minutes: Double($0 * index), share: Double($0) / 100) })
    }
    let svg = picture(curves)
    let root = try #require(try elements(svg, "svg").first)
    let (width, height) = (try number(root, "width"), try number(root, "height"))
    for text in try elements(svg, "text") {
      #expect(try (0...width).contains(number(text, "x")) && (0...height).contains(number(text, "y")))
    }
    let paths = try elements(svg, "path", "curve")
    #expect(paths.count == 18)
    // Curves beyond the colours are told apart by their dashes.
    let looks = paths.prefix(9).map { path in
      ["stroke", "stroke-dasharray"].map { path[$0] ?? "" }
    }
    #expect(Set(looks).count == 9)
  }

  @Test func numbersThatCannotBeDrawnAreLeftOut() throws {
    let points = [(1, Double.nan), (.infinity, 0.5), (2, 0.5)].map { CurvePicture.Point(minutes: $0.0, share: $0.1) }
    #expect(try elements(picture([CurvePicture.Curve(name: "a", points: points)]), "circle").count == 1)
    #expect(try elements(picture([]), "circle").isEmpty)
    #expect(try elements(picture([CurvePicture.Curve(name: "a", points: [])]), "circle").isEmpty)
  }
}
