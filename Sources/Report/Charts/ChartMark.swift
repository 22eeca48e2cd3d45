/// Something that happened in an epoch, marked on a chart.
struct ChartMark {
  enum Kind: String, CaseIterable {
    /// The best value of a curve; a ring on it.
    case best
    /// The learning rate was lowered.
    case lowered
    /// The best weights so far were saved.
    case saved
    /// Training was stopped before its last epoch.
    case stopped

    /// How the legend shows it.
    var sign: String {
      switch self {
      case .best: "◯"
      case .lowered: "▼"
      case .saved: "◆"
      case .stopped: "■"
      }
    }
  }

  var kind: Kind
  /// From 0.
  var epoch: Int
  /// How high a ring lies, from 0 at the bottom to 1 at the top.
  var height: Double?
  /// What stands beside it, for a reduction or the end.
  var label: String?
  /// What the pointer tells.
  var description: String
  /// What the sign means, once below the title.
  var legend: String?
}

/// Draws marks over a chart.
struct ChartMarkDrawing {
  let marks: [ChartMark]
  /// Of the chart, in pixels.
  let height: Double
  /// Where an epoch lies along the width, 0...1.
  let place: (Int) -> Double

  /// How much of a phone's width a label takes.
  private static let labelWidth = 0.18

  func markup() -> [Markup] {
    // How far each row of labels is taken.
    var taken: [ChartMark.Kind: Double] = [:]
    return marks.map { mark in
      let place = place(mark.epoch)
      let isLeft = place > 1 - Self.labelWidth
      let start = isLeft ? place - Self.labelWidth : place
      let label = start >= taken[mark.kind, default: -1] ? mark.label : nil
      if label != nil { taken[mark.kind] = start + Self.labelWidth }
      return element("g", ["class": "mark \(mark.kind.rawValue)"]) {
        // Those of saved weights are many, and the columns tell about them.
        if mark.kind != .saved { element("title") { "epoch \(mark.epoch + 1): \(mark.description)" } }
        shape(mark, NumberText.place(place))
        if let label { text(label, mark, place, isLeft: isLeft) }
      }
    }
  }

  private func shape(_ mark: ChartMark, _ x: String) -> [Markup] {
    let bottom = NumberText.coordinate(height)
    switch mark.kind {
    case .best:
      let y = (1 - (mark.height ?? 0)) * height
      return [
        element("line", ["x1": x, "x2": x, "y1": NumberText.coordinate(y + 7), "y2": bottom]),
        element("circle", ["cx": x, "cy": NumberText.coordinate(y), "r": "6"]),
      ]
    case .lowered:
      return [element("line", ["x1": x, "x2": x, "y1": "0", "y2": bottom]), sign("M-5 -1H5L0 8Z", x, 0)]
    case .saved: return [sign("M0 -4.5L4.5 0L0 4.5L-4.5 0Z", x, height)]
    case .stopped:
      return [element("line", ["x1": x, "x2": x, "y1": "0", "y2": bottom]), sign("M-4.5 -4.5H4.5V4.5H-4.5Z", x, 0)]
    }
  }

  /// A small shape whose middle is at a place in per cent, which paths themselves cannot be at.
  private func sign(_ path: String, _ x: String, _ y: Double) -> Markup {
    element("svg", ["class": "sign", "x": x, "y": NumberText.coordinate(y), "width": "1", "height": "1"]) {
      element("path", ["d": path])
    }
  }

  private func text(_ label: String, _ mark: ChartMark, _ place: Double, isLeft: Bool) -> Markup {
    // Two rows, since training often stops where the rate was lowered last.
    let y = mark.kind == .stopped ? 32.0 : 14.0
    return element(
      "text",
      [
        "class": "label", "x": NumberText.place(place), "dx": isLeft ? "-9" : "9", "y": NumberText.coordinate(y),
        "text-anchor": isLeft ? "end" : "start",
      ]
    ) { label }
  }
}
