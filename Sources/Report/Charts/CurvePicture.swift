/// Curves of shares over minutes, with fixed shares as lines to compare with: an SVG picture of its own.
///
/// It needs nothing else, so that Markdown can show it; its ground is white whatever the page around it has.
public struct CurvePicture: Sendable {
  /// A curve with its name.
  public struct Curve: Sendable {
    /// Stands in the legend below the picture.
    public var name: String
    /// Joined in this order.
    public var points: [Point]

    /// A curve through points.
    public init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// What was reached, and when.
  public struct Point: Sendable, Hashable {
    /// From the beginning; its place from left to right.
    public var minutes: Double
    /// 0...1; its height.
    public var share: Double

    /// A point of a curve.
    public init(minutes: Double, share: Double) {
      self.minutes = minutes
      self.share = share
    }

    fileprivate var isDrawable: Bool { Axis.isDrawable(minutes) && Axis.isDrawable(share) }
  }

  /// A share that is drawn over the whole width.
  public struct Level: Sendable {
    /// Stands above the line, at its end.
    public var name: String
    /// 0...1; the line's height.
    public var share: Double

    /// A line to compare with.
    public init(name: String, share: Double) {
      self.name = name
      self.share = share
    }
  }

  private let title: String
  private let horizontalTitle: String
  private let curves: [Curve]
  private let levels: [Level]
  private let horizontal: Axis
  private let vertical: Axis

  private static let (width, plotHeight) = (840.0, 380.0)
  private static let (left, right, top, bottom) = (62.0, 18.0, 44.0, 48.0)
  private static let legendLine = 20.0
  /// While there are this few, a curve's points are drawn singly.
  private static let maximumPoints = 40
  /// Told apart on white by readers with all kinds of colour vision (Okabe and Ito 2008, without yellow).
  private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"]
  /// Further curves begin with the first colour again, and are dashed.
  private static let dashes = [nil, "7 4", "2 3"]

  private static let style = """
    text { font: 12px "DejaVu Sans", Verdana, sans-serif; fill: #444; }
    .title { font-size: 15px; font-weight: bold; fill: #111; }
    .grid { stroke: #e4e4e4; }
    .axis { stroke: #888; }
    .level { stroke: #777; stroke-dasharray: 4 4; }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
    """

  /// - Parameters:
  ///   - title: stands above the picture.
  ///   - horizontalTitle: what the minutes are.
  ///   - curves: points that are no finite numbers are left out.
  public init(title: String, horizontalTitle: String, curves: [Curve], levels: [Level]) {
    self.title = title
    self.horizontalTitle = horizontalTitle
    self.curves = curves.map { Curve(name: $0.name, points: $0.points.filter(\.isDrawable)) }
    self.levels = levels
    let points = self.curves.flatMap(\.points)
    horizontal = Axis.fitting([0] + points.map(\.minutes))
    vertical = Axis.fitting([0] + points.map(\.share) + levels.map(\.share), limits: 0...1)
  }

  /// The picture.
  public func svg() -> String {
    let height = Self.top + Self.plotHeight + Self.bottom + Self.legendLine * (Double(curves.count) + 0.5)
    let size = (NumberText.coordinate(Self.width), NumberText.coordinate(height))
    var writer = MarkupWriter()
    writer.write(
      element(
        "svg",
        [
          "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(size.0) \(size.1)", "width": size.0,
          "height": size.1, "role": "img", "aria-label": "\(title): \(curves.map(\.name).joined(separator: ", "))",
        ]
      ) {
        element("style") { Markup.verbatim(Self.style) }
        element("rect", ["width": size.0, "height": size.1, "fill": "#fff"])
        text(title, x: Self.left, y: 24, style: "title")
        grid()
        for level in levels { line(level) }
        for (index, curve) in curves.enumerated() { drawing(curve, index) }
        for (index, curve) in curves.enumerated() { legend(curve, index) }
      })
    return String(decoding: writer.bytes, as: UTF8.self) + "\n"
  }

  // MARK: Places

  private func x(_ minutes: Double) -> Double {
    Self.left + horizontal.position(minutes) * (Self.width - Self.left - Self.right)
  }

  private func y(_ share: Double) -> Double { Self.top + (1 - vertical.position(share)) * Self.plotHeight }

  // MARK: Parts of the drawing

  private func grid() -> [Markup] {
    let step = vertical.ticks.count > 1 ? vertical.ticks[1] - vertical.ticks[0] : 1
    let (end, base) = (Self.width - Self.right, Self.top + Self.plotHeight)
    let rows = vertical.ticks.flatMap { tick -> [Markup] in
      [
        segment("grid", from: (Self.left, y(tick)), to: (end, y(tick))),
        text(
          NumberText.tick(100 * tick, step: 100 * step) + "\u{A0}%", x: Self.left - 8, y: y(tick) + 4, anchor: "end"),
      ]
    }
    let columns = horizontal.ticks.flatMap { tick -> [Markup] in
      [
        segment("axis", from: (x(tick), base), to: (x(tick), base + 4)),
        text(horizontal.label(tick), x: x(tick), y: base + 18, anchor: "middle"),
      ]
    }
    return rows + columns + [
      segment("axis", from: (Self.left, base), to: (end, base)),
      text(horizontalTitle, x: end, y: base + 36, anchor: "end"),
    ]
  }

  private func line(_ level: Level) -> [Markup] {
    let end = Self.width - Self.right
    return [
      segment("level", from: (Self.left, y(level.share)), to: (end, y(level.share))),
      text(level.name, x: end - 4, y: y(level.share) - 4, anchor: "end"),
    ]
  }

  private func drawing(_ curve: Curve, _ index: Int) -> [Markup] {
    let places = curve.points.map { (NumberText.coordinate(x($0.minutes)), NumberText.coordinate(y($0.share))) }
    let path = places.enumerated().map { ($0 == 0 ? "M" : "L") + "\($1.0) \($1.1)" }.joined()
    let dots = places.count <= Self.maximumPoints ? places : []
    let color = Self.color(index)
    return [
      element("path", ["class": "curve", "d": path, "stroke": color, "stroke-dasharray": Self.dash(index)])
    ] + dots.map { element("circle", ["cx": $0.0, "cy": $0.1, "r": "2.5", "fill": color]) }
  }

  private func legend(_ curve: Curve, _ index: Int) -> [Markup] {
    let height = Self.top + Self.plotHeight + Self.bottom + Self.legendLine * (Double(index) + 0.4)
    let ends = (NumberText.coordinate(Self.left), NumberText.coordinate(Self.left + 26))
    return [
      element(
        "path",
        [
          "class": "curve", "d": "M\(ends.0) \(NumberText.coordinate(height))H\(ends.1)", "stroke": Self.color(index),
          "stroke-dasharray": Self.dash(index),
        ]),
      text(curve.name, x: Self.left + 34, y: height + 4),
    ]
  }

  private static func color(_ index: Int) -> String { colors[index % colors.count] }
  private static func dash(_ index: Int) -> String? { dashes[index / colors.count % dashes.count] }

  private func segment(_ style: String, from: (Double, Double), to: (Double, Double)) -> Markup {
    element(
      "line",
      [
        "class": style, "x1": NumberText.coordinate(from.0), "y1": NumberText.coordinate(from.1),
        "x2": NumberText.coordinate(to.0), "y2": NumberText.coordinate(to.1),
      ])
  }

  private func text(
    _ text: String, x: Double, y: Double, anchor: String? = nil, style: String? = nil
  ) -> Markup {
    element(
      "text",
      [
        "class": style, "x": NumberText.coordinate(x), "y": NumberText.coordinate(y), "text-anchor": anchor,
      ]
    ) { text }
  }
}
