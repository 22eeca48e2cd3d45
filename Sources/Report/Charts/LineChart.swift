/// Curves over the epochs, as SVG that keeps its letters readable at every width.
///
/// Along its width everything is in per cent, so that the figure fits what holds it while letters and lines keep their
/// size; along its height everything is in pixels.
struct LineChart {
  struct Series {
    var name: String
    /// The class that gives its colour: `training`, `validation`, `characters` or `rate`.
    var style: String
    /// By the order of the epochs; nil where an epoch has none.
    var values: [Double?]
  }

  private let identifier: String
  private let title: String
  private let epochs: [Int]
  private let series: [Series]
  private let axis: Axis
  private let format: (Double) -> String
  private let tickLabel: (Double) -> String
  private let marks: [ChartMark]
  private let epochAxis: Axis

  private static let height = 220.0
  /// The width of the inner drawing, which is stretched to the figure's.
  private static let innerWidth = 1000.0
  /// Points are drawn singly while there are few.
  private static let maximumPoints = 40
  /// More columns that tell their values would make the page large and be too narrow to hit.
  private static let maximumColumns = 500

  /// - Parameters:
  ///   - epochs: from 0, rising.
  ///   - axis: where the values of all series lie.
  ///   - format: a value as it is shown.
  ///   - tickLabel: a tick's number where the axis's own is not wanted.
  init(
    identifier: String, title: String, epochs: [Int], series: [Series], axis: Axis,
    format: @escaping (Double) -> String,
    tickLabel: ((Double) -> String)? = nil, marks: [ChartMark] = []
  ) {
    self.identifier = identifier
    self.title = title
    self.epochs = epochs
    self.series = series
    self.axis = axis
    self.format = format
    self.tickLabel = tickLabel ?? axis.label
    self.marks = marks
    epochAxis = Axis.epochs((epochs.first ?? 0)...(epochs.last ?? 0))
  }

  func markup() -> Markup {
    let (names, remarks) = (legend(), remarks())
    return element("figure", ["class": "card chart", "id": identifier]) {
      element("figcaption") {
        element("h3") { title }
        names
      }
      element("div", ["class": "plot"]) { drawing() }
      if !remarks.isEmpty { element("p", ["class": "remark"]) { remarks.joined(separator: " ") } }
    }
  }

  private func legend() -> Markup {
    let explained = ChartMark.Kind.allCases.compactMap { kind in
      marks.first { $0.kind == kind && $0.legend != nil }
    }
    return element("ul", ["class": "legend"]) {
      for line in series {
        element("li") {
          element("span", ["class": "key \(line.style)"])
          line.name
        }
      }
      for mark in explained {
        element("li") {
          element("span", ["class": "sign \(mark.kind.rawValue)", "aria-hidden": "true"]) { mark.kind.sign }
          element("bdi") { mark.legend ?? "" }
        }
      }
    }
  }

  private func drawing() -> Markup {
    let names = series.map(\.name).joined(separator: ", ")
    return element(
      "svg",
      [
        "class": "lines", "width": "100%", "height": NumberText.coordinate(Self.height), "role": "img",
        "aria-label": "\(title): \(names) by epoch",
      ]
    ) {
      grid()
      for line in series { curve(line) }
      columns()
      for line in series { points(line) }
      ChartMarkDrawing(marks: marks, height: Self.height, place: { epochAxis.position(Double($0)) }).markup()
    }
  }

  // MARK: Parts of the drawing

  private func grid() -> [Markup] {
    let rows = axis.ticks.flatMap { tick -> [Markup] in
      let y = NumberText.coordinate(y(tick))
      return [
        element("line", ["class": "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y]),
        element("text", ["class": "tick", "x": "-8", "y": y, "dy": "0.32em", "text-anchor": "end"]) {
          tickLabel(tick)
        },
      ]
    }
    let bottom = NumberText.coordinate(Self.height)
    let columns = epochAxis.ticks.flatMap { tick -> [Markup] in
      let x = NumberText.place(epochAxis.position(tick))
      return [
        element(
          "line",
          ["class": "axis", "x1": x, "x2": x, "y1": bottom, "y2": NumberText.coordinate(Self.height + 4)]),
        element(
          "text", ["class": "tick", "x": x, "y": NumberText.coordinate(Self.height + 18), "text-anchor": "middle"]
        ) { "\(Int(tick) + 1)" },
      ]
    }
    return rows + columns + [
      element("line", ["class": "axis", "x1": "0", "x2": "100%", "y1": bottom, "y2": bottom]),
      element("text", ["class": "tick", "x": "-8", "y": NumberText.coordinate(Self.height + 18), "text-anchor": "end"])
      {
        "epoch"
      },
    ]
  }

  private func curve(_ line: Series) -> Markup? {
    let runs = runs(line).filter { $0.count > 1 }
    if runs.isEmpty { return nil }
    let path = runs.map { run in
      run.enumerated().map { index, point in
        let x = NumberText.coordinate(epochAxis.position(Double(point.epoch)) * Self.innerWidth)
        return (index == 0 ? "M" : "L") + x + " " + NumberText.coordinate(y(point.value))
      }.joined()
    }.joined()
    return element(
      "svg",
      [
        "viewBox": "0 0 \(NumberText.coordinate(Self.innerWidth)) \(NumberText.coordinate(Self.height))",
        "preserveAspectRatio": "none", "width": "100%", "height": NumberText.coordinate(Self.height),
      ]
    ) { element("path", ["class": "curve \(line.style)", "d": path]) }
  }

  /// All points where there are few, and those that no line reaches.
  private func points(_ line: Series) -> [Markup] {
    let runs = runs(line)
    let shown = epochs.count <= Self.maximumPoints ? runs : runs.filter { $0.count == 1 }
    return shown.joined().map { point in
      element(
        "circle",
        [
          "class": "point \(line.style)", "cx": NumberText.place(epochAxis.position(Double(point.epoch))),
          "cy": NumberText.coordinate(y(point.value)), "r": "2.5",
        ])
    }
  }

  /// Columns that tell the values of their epoch when the pointer rests on them.
  private func columns() -> [Markup] {
    let events = Dictionary(grouping: marks, by: \.epoch)
    let every = (epochs.count + Self.maximumColumns - 1) / Self.maximumColumns
    return stride(from: 0, to: epochs.count, by: max(1, every)).map { index in
      let epoch = epochs[index]
      let width = 1 / (epochAxis.high - epochAxis.low) * Double(every)
      return element(
        "rect",
        [
          "class": "column", "x": NumberText.place(epochAxis.position(Double(epoch) - 0.5)),
          "width": NumberText.place(width), "height": NumberText.coordinate(Self.height),
        ]
      ) { element("title") { description(index, events[epoch] ?? []) } }
    }
  }

  private func description(_ index: Int, _ events: [ChartMark]) -> String {
    let values = series.compactMap { line in line.values[index].map { "\(line.name): \(format($0))" } }
    return (["epoch \(epochs[index] + 1)"] + values + events.map(\.description)).joined(separator: "\n")
  }

  // MARK: Values

  private func y(_ value: Double) -> Double { (1 - axis.position(value)) * Self.height }

  private func isDrawable(_ value: Double) -> Bool { Axis.isDrawable(value) && (!axis.isLogarithmic || value > 0) }

  /// The values that a line joins: a gap parts them where an epoch is missing, or its value.
  private func runs(_ line: Series) -> [[TrainingRecord.Value]] {
    var runs: [[TrainingRecord.Value]] = []
    var last: Int?
    for (epoch, value) in zip(epochs, line.values) {
      guard let value, isDrawable(value) else { continue }
      let point = TrainingRecord.Value(epoch: epoch, value: value)
      if let last, last == epoch - 1 { runs[runs.count - 1].append(point) } else { runs.append([point]) }
      last = epoch
    }
    return runs
  }

  /// What the curves leave out, in words.
  private func remarks() -> [String] {
    let gaps = series.compactMap { line -> String? in
      let left = zip(epochs, line.values).filter { _, value in value.map { !isDrawable($0) } ?? false }.map(\.0)
      return left.isEmpty
        ? nil : "Not a finite number and left out: \(line.name) in \(EpochText.list(left))."
    }
    return (axis.isLogarithmic ? ["Logarithmic scale."] : []) + gaps
  }
}
