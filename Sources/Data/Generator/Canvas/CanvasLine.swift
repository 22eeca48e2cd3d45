/// A straight stroke from one pixel to another, both included.
struct Line: Equatable {
  var x0: Int
  var y0: Int
  var x1: Int
  var y1: Int
  /// The thickness in pixels, at least 1.
  var width: Int
}

extension Canvas {
  /// Draws a line as Pillow's `ImageDraw.line` does: with Bresenham's algorithm where it is one pixel wide, else as a
  /// filled rectangle with corners on whole pixels.
  func line(_ line: Line, color: Color) {
    precondition(line.width >= 1, "Canvas.line: the width must be at least 1, not \(line.width)")
    if line.width == 1 { thinLine(line, color: color) } else { wideLine(line, color: color) }
  }

  private func thinLine(_ line: Line, color: Color) {
    let (dx, dy) = (abs(line.x1 - line.x0), abs(line.y1 - line.y0))
    let (stepX, stepY) = (line.x1 < line.x0 ? -1 : 1, line.y1 < line.y0 ? -1 : 1)
    var (x, y) = (line.x0, line.y0)
    let steep = dx <= dy
    let (major, minor) = steep ? (dy, dx) : (dx, dy)
    var error = 2 * minor - major
    for _ in 0..<major {
      point(x: x, y: y, color: color)
      if error >= 0 && minor > 0 {
        if steep { x += stepX } else { y += stepY }
        error -= 2 * major
      }
      error += 2 * minor
      if steep { y += stepY } else { x += stepX }
    }
    point(x: line.x1, y: line.y1, color: color)
  }

  private func wideLine(_ line: Line, color: Color) {
    let (dx, dy) = (Double(line.x1 - line.x0), Double(line.y1 - line.y0))
    if dx == 0 && dy == 0 { return point(x: line.x0, y: line.y0, color: color) }
    let length = (dx * dx + dy * dy).squareRoot()
    // An even width cannot lie evenly about the line: one side gets the larger half.
    let half = Double(line.width - 1) / 2
    let more = half.roundedUpAtHalf / length
    let less = half.roundedDownAtHalf / length
    let lessX = Int((less * dy).roundedDownAtHalf)
    let moreX = Int((more * dy).roundedDownAtHalf)
    let lessY = Int((less * dx).roundedDownAtHalf)
    let moreY = Int((more * dx).roundedDownAtHalf)
    quadrilateral(
      [
        SIMD2(line.x0 - lessX, line.y0 + moreY), SIMD2(line.x1 - lessX, line.y1 + moreY),
        SIMD2(line.x1 + moreX, line.y1 - lessY), SIMD2(line.x0 + moreX, line.y0 - lessY),
      ], color: color)
  }

  /// Fills a polygon of four corners row by row, with Pillow's rules for the pixels on its border.
  private func quadrilateral(_ corners: InlineArray<4, SIMD2<Int>>, color: Color) {
    var edges = InlineArray<4, Edge>(repeating: Edge(from: SIMD2(0, 0), to: SIMD2(0, 0)))
    var count = 0
    var top = height - 1
    var bottom = 0
    for index in 0..<4 {
      let (from, to) = (corners[index], corners[(index + 1) % 4])
      let edge = Edge(from: from, to: to)
      top = min(top, edge.top)
      bottom = max(bottom, edge.bottom)
      if edge.top == edge.bottom {
        span(y: edge.top, from: min(from.x, to.x), through: max(from.x, to.x), color: color)
      } else {
        edges[count] = edge
        count += 1
      }
    }
    top = max(top, 0)
    bottom = min(bottom, height)
    guard top <= bottom else { return }
    for y in top...bottom {
      var crossings = InlineArray<8, Float>(repeating: 0)
      var crossingCount = 0
      for index in 0..<count {
        let edge = edges[index]
        guard y >= edge.top && y <= edge.bottom else { continue }
        crossings[crossingCount] = edge.x(at: y)
        crossingCount += 1
        if y == edge.bottom && y < bottom {
          // Counted for the edge that ends here and the one that begins.
          crossings[crossingCount] = crossings[crossingCount - 1]
          crossingCount += 1
        } else if (y == edge.top || y == edge.bottom) && edge.slope != 0 {
          crossings[crossingCount - 1] = Self.joined(edge, to: edges, before: index, at: y)
        }
      }
      crossings.sort(first: crossingCount)
      for index in stride(from: 1, to: crossingCount, by: 2) {
        span(
          y: y, from: Int(crossings[index - 1].roundedUpAtHalf), through: Int(crossings[index].roundedDownAtHalf),
          color: color)
      }
    }
  }

  /// The crossing of `edge` with its first or last row `y`, moved next to the row beyond where two edges form a corner so
  /// flat that it would stand apart from it.
  private static func joined(
    _ edge: Edge, to edges: borrowing InlineArray<4, Edge>, before count: Int, at y: Int
  ) -> Float {
    let x = edge.x(at: y)
    for index in 0..<count {
      let other = edges[index]
      guard (y == other.top || y == other.bottom) && other.slope != 0 else { continue }
      guard x.rounded() == other.x(at: y).rounded() else { continue }
      let next = y == edge.bottom ? y - 1 : y + 1
      guard next >= other.top && next <= other.bottom else { continue }
      let (nextX, nextOtherX) = (edge.x(at: next), other.x(at: next))
      if x > nextX + 1 && x > nextOtherX + 1 { return max(nextX, nextOtherX).rounded() + 1 }
      if x < nextX - 1 && x < nextOtherX - 1 { return min(nextX, nextOtherX).rounded() - 1 }
      return x
    }
    return x
  }
}

/// One side of a polygon.
private struct Edge {
  let start: SIMD2<Int>
  let top: Int
  let bottom: Int
  /// Columns per row; 0 for a horizontal edge.
  let slope: Float

  init(from start: SIMD2<Int>, to end: SIMD2<Int>) {
    self.start = start
    top = min(start.y, end.y)
    bottom = max(start.y, end.y)
    slope = start.y == end.y ? 0 : Float(end.x - start.x) / Float(end.y - start.y)
  }

  /// The column at which the edge's line crosses row `y`.
  @inline(__always)
  func x(at y: Int) -> Float { Float(y - start.y) * slope + Float(start.x) }
}

extension InlineArray where Element == Float {
  /// Sorts the first `length` elements; insertion sort, as there are never more than eight.
  fileprivate mutating func sort(first length: Int) {
    for index in 1..<Swift.max(1, length) {
      var place = index
      while place > 0 && self[place - 1] > self[place] {
        swapAt(place - 1, place)
        place -= 1
      }
    }
  }
}

extension BinaryFloatingPoint {
  /// The nearest integer; halves away from zero.
  fileprivate var roundedUpAtHalf: Self {
    self >= 0 ? (self + 0.5).rounded(.down) : -(magnitude + 0.5).rounded(.down)
  }

  /// The nearest integer; halves towards zero.
  fileprivate var roundedDownAtHalf: Self {
    self >= 0 ? (self - 0.5).rounded(.up) : -(magnitude - 0.5).rounded(.up)
  }
}
