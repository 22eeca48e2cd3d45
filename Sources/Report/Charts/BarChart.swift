/// Shares as bars from 0 to 100 %, a line each, with a thin line for the interval in which the true share lies.
struct BarChart {
  struct Bar {
    var name: String
    /// 0...1.
    var share: Double
    /// How many images the share is of.
    var count: Int
    /// With 95 % confidence.
    var interval: ClosedRange<Double>
  }

  let identifier: String
  let title: String
  let bars: [Bar]

  func markup() -> Markup {
    element("figure", ["class": "card bars", "id": identifier]) {
      element("figcaption") { element("h3") { title } }
      if bars.isEmpty {
        element("p", ["class": "remark"]) { "No images were counted." }
      }
      for bar in bars { row(bar) }
    }
  }

  private func row(_ bar: Bar) -> Markup {
    let description =
      "\(bar.name): \(NumberText.percent(bar.share)) of \(NumberText.count(bar.count, "image")) read right "
      + "(95 %: \(NumberText.percent(bar.interval.lowerBound)) to \(NumberText.percent(bar.interval.upperBound)))"
    return element("div", ["class": "row"]) {
      element("span", ["class": "name"]) { element("bdi") { bar.name } }
      element("span", ["class": "value"]) {
        element("b") { NumberText.percent(bar.share) }
        element("span", ["class": "count"]) { " of \(NumberText.count(bar.count))" }
      }
      element("svg", ["class": "bar", "width": "100%", "height": "16", "role": "img", "aria-label": description]) {
        element("title") { description }
        element("rect", ["class": "track", "width": "100%", "height": "16", "rx": "3"])
        element("rect", ["class": "share", "width": NumberText.place(bar.share), "height": "16", "rx": "3"])
        interval(bar.interval)
      }
    }
  }

  private func interval(_ interval: ClosedRange<Double>) -> [Markup] {
    let (low, high) = (NumberText.place(interval.lowerBound), NumberText.place(interval.upperBound))
    return [
      element("line", ["class": "interval", "x1": low, "x2": high, "y1": "8", "y2": "8"]),
      element("line", ["class": "interval", "x1": low, "x2": low, "y1": "4", "y2": "12"]),
      element("line", ["class": "interval", "x1": high, "x2": high, "y1": "4", "y2": "12"]),
    ]
  }
}
