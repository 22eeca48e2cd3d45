import Tensor

/// The ranges that the classic style draws its quantities from, each uniform.
struct ClassicRecipe: Sendable {
  var background = 230...255
  var linesBelow = 6...10
  var linesBelowColor = 100...200
  var linesBelowWidth = 1...2
  var points = 1000...1500
  var pointColor = 150...255
  /// Pixels per em, each as likely.
  var sizes = Array(33...39)
  /// What the characters are drawn on, at whichever size.
  var tile = GlyphTile.original
  var characterColor = 20...100
  var angle = -30...30
  var shiftX = -3...3
  var shiftY = -5...5
  var linesAcross = 4...7
  var linesAcrossColor = 80...180
  var linesAcrossWidth = 1...3
  var thinLines = 3...6
  var thinLineColor = 120...200
  var thinLineWidth = 1...1
  /// How many arcs are tried; about half of them are drawn.
  var arcs = 2...4
  var arcColor = 100...190
  var arcExtent = 30...120
  var arcWidth = 1...2
  var blurProbability: Float = 0.4
  var blurRadius: Range<Float> = 0.3..<0.7
  /// The columns left free at each side of the text.
  var margin = 20
  /// The share by which the characters stand closer together.
  var overlap = 0.0

  static let original = ClassicRecipe()
}

/// Everything that one image of the classic style shows, in drawing order.
struct ClassicScene {
  struct Placement: Equatable {
    var character: Character
    /// Pixels per em.
    var size: Int
    /// Degrees counter-clockwise.
    var angle: Int
    /// The upper left corner of the rotated tile.
    var x: Int
    var y: Int
    var color: Color
    /// Which of the atlas's fonts.
    var font = 0
  }

  struct Stroke: Equatable {
    var line: Line
    var color: Color
  }

  struct Dot: Equatable {
    var x: Int
    var y: Int
    var color: Color
  }

  struct Curve: Equatable {
    var arc: Arc
    var color: Color
  }

  var background = Color(red: 255, green: 255, blue: 255)
  var below: [Stroke] = []
  var dots: [Dot] = []
  var text: [Placement] = []
  var above: [Stroke] = []
  var curves: [Curve] = []
  /// The standard deviation of the blur in pixels; 0 for none.
  var blur: Float = 0

  /// Draws new contents for an image of `characters`; the arrays' memory is used again.
  ///
  /// - Parameters:
  ///   - interference: whether there are lines, dots, arcs and blur.
  ///   - fonts: how many fonts there are to choose from for each character.
  mutating func draw(
    _ characters: [Character], width: Int, height: Int, interference: Bool, recipe: ClassicRecipe,
    rotations: Rotations, fonts: Int = 1, using random: inout RandomStream
  ) {
    below.removeAll(keepingCapacity: true)
    dots.removeAll(keepingCapacity: true)
    text.removeAll(keepingCapacity: true)
    above.removeAll(keepingCapacity: true)
    curves.removeAll(keepingCapacity: true)
    blur = 0
    background = random.color(recipe.background)
    if interference {
      for _ in 0..<random.uniform(recipe.linesBelow) {
        let line = random.line(x: 0...width, y: 0...height, width: recipe.linesBelowWidth)
        below.append(Stroke(line: line, color: random.color(recipe.linesBelowColor)))
      }
      for _ in 0..<random.uniform(recipe.points) {
        // The original's ranges include the width and the height, so that some points fall outside, as of lines.
        let place = random.uniform(0...((width + 1) * (height + 1) - 1))
        dots.append(Dot(x: place % (width + 1), y: place / (width + 1), color: random.color(recipe.pointColor)))
      }
    }
    let (first, step) = recipe.columns(count: characters.count, width: width)
    for (index, character) in characters.enumerated() {
      // A single font takes no random word, so that its images stay the same.
      let font = fonts > 1 ? random.uniform(0...(fonts - 1)) : 0
      let size = recipe.sizes[random.uniform(0...(recipe.sizes.count - 1))]
      let angle = random.uniform(recipe.angle)
      let x = Int((first + Double(index) * step).rounded()) + random.uniform(recipe.shiftX)
      // Rounded down, also where the rotated tile is higher than the image.
      let y = (height - rotations[angle].height) >> 1 + random.uniform(recipe.shiftY)
      text.append(
        Placement(
          character: character, size: size, angle: angle, x: x, y: y, color: random.color(recipe.characterColor),
          font: font))
    }
    guard interference else { return }
    let middle = (height / 4)...(3 * height / 4)
    for _ in 0..<random.uniform(recipe.linesAcross) {
      let line = random.line(x: 0...width, y: middle, width: recipe.linesAcrossWidth)
      above.append(Stroke(line: line, color: random.color(recipe.linesAcrossColor)))
    }
    for _ in 0..<random.uniform(recipe.thinLines) {
      let line = random.line(x: 0...width, y: 0...height, width: recipe.thinLineWidth)
      above.append(Stroke(line: line, color: random.color(recipe.thinLineColor)))
    }
    for _ in 0..<random.uniform(recipe.arcs) {
      let (x0, x1) = (random.uniform(0...(width / 2)), random.uniform((width / 2)...width))
      let (y0, y1) = (random.uniform(0...height), random.uniform(0...height))
      let arc = Arc(
        x0: x0, y0: y0, x1: x1, y1: y1, start: random.uniform(0...359), extent: random.uniform(recipe.arcExtent),
        width: random.uniform(recipe.arcWidth))
      let color = random.color(recipe.arcColor)
      // The original leaves out the arcs whose box came out upside down, about half of them.
      if y0 <= y1 { curves.append(Curve(arc: arc, color: color)) }
    }
    if random.unitFloat() < recipe.blurProbability { blur = random.float(in: recipe.blurRadius) }
  }

  /// Paints the scene.
  ///
  /// - Parameter scratch: `Canvas.blurScratchCount(width:height:radius:)` bytes for the recipe's largest blur.
  func paint(
    on canvas: Canvas, atlas: GlyphAtlas, rotations: Rotations, scratch: UnsafeMutableBufferPointer<UInt8>
  ) {
    canvas.fill(background)
    for stroke in below { canvas.line(stroke.line, color: stroke.color) }
    for dot in dots { canvas.point(x: dot.x, y: dot.y, color: dot.color) }
    for placement in text {
      canvas.glyph(
        atlas.glyph(placement.character, size: placement.size, font: placement.font), coverage: atlas.coverage,
        rotation: rotations[placement.angle], x: placement.x, y: placement.y, color: placement.color)
    }
    for stroke in above { canvas.line(stroke.line, color: stroke.color) }
    for curve in curves { canvas.arc(curve.arc, color: curve.color) }
    if blur > 0 { canvas.blur(radius: blur, scratch: scratch) }
  }
}

/// The rotations of a tile by every whole angle of a range.
struct Rotations: Sendable {
  private let rotations: [TileRotation]
  private let first: Int

  init(_ angles: ClosedRange<Int>, tile: GlyphTile = .original) {
    first = angles.lowerBound
    rotations = angles.map { TileRotation(degrees: $0, tileWidth: tile.width, tileHeight: tile.height) }
  }

  /// The rotation by `angle` degrees, which must be in the range.
  subscript(angle: Int) -> TileRotation { rotations[angle - first] }
}

extension RandomStream {
  /// A colour with each channel uniform in `range`, from one 32-bit word.
  @inline(__always)
  mutating func color(_ range: ClosedRange<Int>) -> Color {
    let count = UInt64(range.upperBound - range.lowerBound + 1)
    let lower = UInt64(range.lowerBound)
    // The word's fraction is split digit by digit, in base `count`.
    let red = UInt64(nextWord()) * count
    let green = (red & 0xFFFF_FFFF) * count
    let blue = (green & 0xFFFF_FFFF) * count
    return Color(
      red: UInt8(truncatingIfNeeded: lower + red >> 32), green: UInt8(truncatingIfNeeded: lower + green >> 32),
      blue: UInt8(truncatingIfNeeded: lower + blue >> 32))
  }

  fileprivate mutating func line(x: ClosedRange<Int>, y: ClosedRange<Int>, width: ClosedRange<Int>) -> Line {
    Line(x0: uniform(x), y0: uniform(y), x1: uniform(x), y1: uniform(y), width: uniform(width))
  }
}
