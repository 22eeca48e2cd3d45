import Foundation
import Testing

/// What a browser measured of a report at one width.
struct ReportMeasurement: Decodable {
  let width: Double
  let innerWidth: Double
  /// What the frame shows beside its scroll bar, and what the page takes.
  let clientWidth: Double
  let scrollWidth: Double
  /// Elements that reach beyond the page and are in no box of their own that scrolls.
  let overflowing: [String]
  let figures: Int
  let emptyFigures: [String]
  /// The drawn lengths of the curves, in pixels of their own drawing.
  let curves: [Double]
  /// What must have a size and has none.
  let invisible: [String]
  let bars: [Double]
  let cells: Int
  /// The natural widths of the pictures.
  let pictures: [Double]
  let title: String
  let types: [String]
  let configuration: String
  /// Whether a script of the report ran.
  let isTampered: Bool
}

extension ReportMeasurement {
  /// What is not as a page must be, in words.
  var faults: [String] {
    var faults: [String] = []
    func require(_ holds: Bool, _ fault: String) { if !holds { faults.append("\(width): \(fault)") } }
    require(innerWidth == width, "the frame is \(innerWidth) wide")
    require(scrollWidth <= clientWidth, "the page is \(scrollWidth) wide")
    require(overflowing.isEmpty, "beyond the page: \(overflowing)")
    require(figures > 0 && emptyFigures.isEmpty, "empty figures: \(emptyFigures)")
    require(curves.allSatisfy { $0 > 0 }, "the curves' lengths: \(curves)")
    require(invisible.isEmpty, "invisible: \(invisible)")
    require(bars.allSatisfy { $0 > 0 }, "the bars' widths: \(bars)")
    require(pictures.allSatisfy { $0 > 0 }, "the pictures' widths: \(pictures)")
    require(!isTampered, "a script of the report ran")
    return faults
  }
}

/// A page that holds reports in frames of given widths and measures them there.
///
/// In frames, since a browser without a window has a least width that is more than a phone's; the report itself stays as
/// it is.
enum BrowserProbe {
  static func page(_ reports: [(page: String, width: Int)]) -> String {
    let frames = reports.map { report in
      let source = report.page.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
      return "<iframe width=\"\(report.width)\" height=\"900\" frameborder=\"0\" srcdoc=\"\(source)\"></iframe>"
    }
    return """
      <!DOCTYPE html><html><head><meta charset="utf-8"></head><body>\(frames.joined())
      <script id="probe">\(script)</script></body></html>
      """
  }

  /// What the page's script wrote.
  static func measurements(_ document: String) throws -> [ReportMeasurement] {
    let parts = document.components(separatedBy: "<pre id=\"measured\">")
    // The first are in the frames' sources and in the script.
    let text = try #require(parts.count > 1 ? parts.last?.components(separatedBy: "</pre>").first : nil)
    let json = text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
    return try JSONDecoder().decode([ReportMeasurement].self, from: Data(json.utf8))
  }

  private static let script = """
    function describe(element) {
      return element.tagName + "." + (element.getAttribute("class") || "") + "#" + element.id;
    }
    function isEmpty(element) {
      const box = element.getBoundingClientRect();
      return !(box.width > 0 && box.height > 0);
    }
    function scrolls(element) {
      for (let box = element; box; box = box.parentElement) {
        const overflow = getComputedStyle(box).overflowX;
        if (overflow === "auto" || overflow === "scroll") return true;
      }
      return false;
    }
    function measure(frame) {
      const page = frame.contentDocument;
      const all = (selector) => Array.from(page.querySelectorAll(selector));
      for (const details of all("details")) details.open = true;
      const root = page.documentElement;
      const width = root.clientWidth;
      return {
        width: Number(frame.getAttribute("width")), innerWidth: frame.contentWindow.innerWidth,
        clientWidth: width, scrollWidth: root.scrollWidth,
        overflowing: all("body *").filter((element) =>
          element.getBoundingClientRect().right > width + 1 && !scrolls(element)).map(describe),
        figures: all("svg").length, emptyFigures: all("svg").filter(isEmpty).map(describe),
        curves: all("path.curve").map((path) => isEmpty(path) ? 0 : path.getTotalLength()),
        invisible: all("rect, circle.point, path, text, img, .tile, .card").filter(isEmpty).map(describe),
        bars: all("rect.share").map((bar) => bar.getBoundingClientRect().width),
        cells: all("#confusion-matrix path").length, pictures: all("img").map((image) => image.naturalWidth),
        title: page.querySelector("h1").textContent,
        types: all("#by-type .name").map((name) => name.textContent),
        configuration: page.querySelector("#configuration pre").textContent,
        isTampered: Boolean(frame.contentWindow.tampered || window.tampered)
      };
    }
    window.addEventListener("load", () => {
      const result = document.createElement("pre");
      result.id = "measured";
      result.textContent = JSON.stringify(Array.from(document.querySelectorAll("iframe")).map(measure));
      document.body.append(result);
    });
    """
}
