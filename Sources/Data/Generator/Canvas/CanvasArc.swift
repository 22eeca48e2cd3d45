import Foundation

/// A part of the outline of an upright ellipse.
struct Arc: Equatable {
  /// The box that the ellipse fills, borders included: `x0 <= x1` and `y0 <= y1`.
  var x0: Int
  var y0: Int
  var x1: Int
  var y1: Int
  /// Where the arc begins, in degrees clockwise from the ellipse's right end.
  var start: Int
  /// How far it goes clockwise, in degrees: 1 to 359.
  var extent: Int
  /// The thickness in pixels, which grows inwards from the box.
  var width: Int
}

extension Canvas {
  /// Draws an arc with the pixels of Pillow's `ImageDraw.arc`.
  func arc(_ arc: Arc, color: Color) {
    precondition(arc.x0 <= arc.x1 && arc.y0 <= arc.y1, "Canvas.arc: the box must not be inside out: \(arc)")
    precondition((1...359).contains(arc.extent), "Canvas.arc: the extent must be 1 to 359°, not \(arc.extent)")
    precondition(arc.width >= 1, "Canvas.arc: the width must be at least 1, not \(arc.width)")
    let (a, b) = (arc.x1 - arc.x0, arc.y1 - arc.y0)
    let sector = Sector(a: a, b: b, start: arc.start, extent: arc.extent)
    EllipseOutline(a: a, b: b, width: arc.width).forEachSegment { segment in
      sector.clip(segment) { x0, x1 in
        span(
          y: arc.y0 + (segment.y + b) / 2, from: arc.x0 + (x0 + a) / 2, through: arc.x0 + (x1 + a) / 2, color: color)
      }
    }
  }
}

/// A horizontal run of an ellipse's outline. Coordinates are relative to the centre and doubled, so that centres between
/// pixels are whole numbers; neighbouring pixels are 2 apart.
private struct Segment {
  var x0: Int
  var y: Int
  var x1: Int
}

/// The lower right quarter of an ellipse's outline, one pixel thick, walked from the right end to the bottom: of the
/// three pixels that may follow, the one nearest to the curve is next.
private struct QuarterEllipse: IteratorProtocol {
  let a: Int
  let b: Int
  var x: Int
  var y: Int
  var finished: Bool

  /// `a` and `b` are the box's width and height less one pixel; a negative one gives an empty quarter.
  init(a: Int, b: Int) {
    self.a = a
    self.b = b
    x = a
    y = b % 2
    finished = a < 0 || b < 0
  }

  mutating func next() -> (x: Int, y: Int)? {
    if finished { return nil }
    let result = (x, y)
    if x == a % 2 && y == b {
      finished = true
    } else {
      var best = (x, y + 2)
      if x > 1 {
        var error = deviation(x, y + 2)
        let diagonal = deviation(x - 2, y + 2)
        if diagonal < error { (best, error) = ((x - 2, y + 2), diagonal) }
        if deviation(x - 2, y) < error { best = (x - 2, y) }
      }
      (x, y) = best
    }
    return result
  }

  private func deviation(_ x: Int, _ y: Int) -> Int {
    abs(a * a * y * y + b * b * x * x - a * a * b * b)
  }
}

/// The pixels between an ellipse and the one `width - 1` pixels inside it.
private struct EllipseOutline {
  let a: Int
  let b: Int
  let width: Int

  /// Calls `body` with the runs of every row.
  func forEachSegment(_ body: (Segment) -> Void) {
    var outer = QuarterEllipse(a: a, b: b)
    var inner = QuarterEllipse(a: a - 2 * (width - 1), b: b - 2 * (width - 1))
    let innermost = a % 2
    guard var row = outer.next() else { return }
    var left = innermost
    while true {
      let (y, right) = (row.y, row.x)
      var following = outer.next()
      while let point = following, point.y <= y { following = outer.next() }
      var point = inner.next()
      while let reached = point, reached.y <= y {
        left = reached.x
        point = inner.next()
      }
      let nextLeft = point?.x ?? innermost
      for mirrored in y > 0 ? [y, -y] : [-y] {
        // A run that begins at the centre column belongs to the left half.
        if left > 0 || left < right { body(Segment(x0: left == 0 ? 2 : left, y: mirrored, x1: right)) }
        body(Segment(x0: -right, y: mirrored, x1: -left))
      }
      left = nextLeft
      guard let next = following else { return }
      row = next
    }
  }
}

/// The part of the plane between the two lines that cut an arc's ends off at right angles to the curve.
private struct Sector {
  /// The half plane `a x + b y + c > 0`.
  struct HalfPlane {
    var a: Double
    var b: Double
    var c: Double

    /// The part of a run that lies in the half plane.
    func clip(_ segment: Segment) -> Segment? {
      let epsilon = 1e-9
      var result = segment
      let offset = b * Double(segment.y) + c
      if abs(a) < epsilon { return offset < -epsilon ? nil : segment }
      let crossing = -offset / a
      if a * Double(segment.x0) + offset < epsilon { result.x0 = Int(max(Double(segment.x0), crossing).rounded()) }
      if a * Double(segment.x1) + offset < epsilon { result.x1 = Int(min(Double(segment.x1), crossing).rounded()) }
      return result.x0 <= result.x1 ? result : nil
    }
  }

  /// How the half planes make up the sector.
  enum Shape {
    /// Inside every one.
    case intersection
    /// Inside any one.
    case union
    /// Inside the first two or inside the last two.
    case unionOfPairs
  }

  private var planes: [HalfPlane]
  private let shape: Shape

  init(a: Int, b: Int, start: Int, extent: Int) {
    // The construction is for ellipses that are wider than high; the others are mirrored about the diagonal.
    let tall = a < b
    let (major, minor) = tall ? (b, a) : (a, b)
    let from = Self.normalized(tall ? 90 - start - extent : start)
    let to = from + extent
    let first = Self.end(major: major, minor: minor, degrees: from, sign: 1)
    let last = Self.end(major: major, minor: minor, degrees: to, sign: -1)
    func half(_ degrees: Int) -> HalfPlane { HalfPlane(a: 0, b: degrees / 180 % 2 == 0 ? 1 : -1, c: 0) }
    if from % 180 == 0 || to % 180 == 0 {
      planes = [first, last]
      shape = extent < 180 ? .intersection : .union
    } else if (from / 180 + to / 180) % 2 == 1 {
      planes = [half(from), first, half(to), last]
      shape = .unionOfPairs
    } else {
      planes = [first, last, HalfPlane(a: 0, b: to < 180 || to > 540 ? 1 : -1, c: 0)]
      shape = extent < 180 ? .intersection : .union
    }
    if tall { planes = planes.map { HalfPlane(a: $0.b, b: $0.a, c: $0.c) } }
  }

  /// Calls `body` with the first and last column of the parts of `segment` in the sector, which may overlap.
  func clip(_ segment: Segment, _ body: (Int, Int) -> Void) {
    func intersect(_ planes: ArraySlice<HalfPlane>) {
      var (x0, x1) = (segment.x0, segment.x1)
      for plane in planes {
        guard let part = plane.clip(segment) else { return }
        (x0, x1) = (max(x0, part.x0), min(x1, part.x1))
      }
      if x0 <= x1 { body(x0, x1) }
    }
    switch shape {
    case .intersection: intersect(planes[...])
    case .union: for index in planes.indices { intersect(planes[index...index]) }
    case .unionOfPairs:
      intersect(planes[0..<2])
      intersect(planes[2..<4])
    }
  }

  private static func normalized(_ degrees: Int) -> Int {
    let remainder = degrees % 360
    return remainder < 0 ? remainder + 360 : remainder
  }

  /// The line that cuts the ellipse at right angles at `degrees`.
  private static func end(major: Int, minor: Int, degrees: Int, sign: Double) -> HalfPlane {
    let angle = Double(degrees) * .pi / 180
    return HalfPlane(
      a: -sign * Double(major) * sin(angle), b: sign * Double(minor) * cos(angle),
      c: sign * Double(major * major - minor * minor) * sin(Double(degrees) * .pi / 90) / 2)
  }
}
