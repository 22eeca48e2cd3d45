import Tensor

/// The ranges that the style ``CaptchaStyle/library`` draws its quantities from, each uniform.
///
/// Source: the defaults of `ImageCaptcha` in the Python package `captcha` 0.7.1.
struct LibraryRecipe: Sendable {
  var background = 238...255
  var color = 10...200
  /// The opacity of the characters before they are rotated.
  var opacity = 220...255
  var sizes = [42, 50, 56]
  /// Columns that a character is shifted to the right. The characters are cut to their ink afterwards, so that this
  /// shows only where some ink lies left of the pen; the shift downwards that the package draws too shows never.
  var shift = 0...4
  /// Degrees counter-clockwise.
  var angle: Range<Double> = -30..<30
  /// How far the corners of a character are warped at most, as a share of its size.
  var warpX: Range<Double> = 0.1..<0.3
  var warpY: Range<Double> = 0.2..<0.3
  /// How often there is a space before a character.
  var spaceProbability = 0.5
  /// The margin before the text and the largest overlap of two characters, as a share of the mean character's width.
  var margin = 0.1
  var overlap = 0.25
  /// The share by which each character moves closer to the one before.
  var closeness = 0.0
  var dots = 30
  var dotWidth = 3
  var arcs = 1
  var arcStart = 0...20
  var arcEnd = 160...200
  var arcWidth = 1
  /// How often the image is smoothed at the end.
  var smoothProbability: Float = 1

  static let original = LibraryRecipe()
}

extension LibraryRecipe {
  /// The rows of the images that ``original`` is made for; their width may be any, since wide text is made narrower.
  static let originalHeight = 60

  /// The style for images of `height` rows: characters, dots and arcs grow with the height.
  ///
  /// Of the difficulty, `lines` changes the number of arcs and `blur` how often an image is smoothed at the end.
  init(height: Int, difficulty: GeneratorDifficulty = .original) {
    self = .original
    let scale = Double(height) / Double(Self.originalHeight)
    func scaled(_ value: Int) -> Int { max(1, Int((Double(value) * scale).rounded())) }
    sizes = sizes.map(scaled)
    shift = shift.scaled(by: scale)
    dotWidth = scaled(dotWidth)
    arcWidth = scaled(arcWidth)
    dots = Int((Double(dots) * difficulty.noise).rounded())
    arcs = Int((Double(arcs) * difficulty.lines).rounded())
    closeness = difficulty.overlap
    smoothProbability = min(1, smoothProbability * Float(difficulty.blur))
  }
}

/// Everything that one image of the style ``CaptchaStyle/library`` shows.
struct LibraryScene: Equatable {
  /// How far the corners of a character are moved, in pixels.
  struct Warp: Equatable {
    var x1: Int
    var y1: Int
    var x2: Int
    var y2: Int
  }

  struct Placement: Equatable {
    var glyph: LibraryGlyphs.Glyph
    /// Degrees counter-clockwise.
    var angle: Double
    var warp: Warp
    /// The left edge of the glyph's box.
    var x: Int
  }

  struct Dot: Equatable {
    var x: Int
    var y: Int
  }

  var background = Color(red: 255, green: 255, blue: 255)
  var color = Color(red: 0, green: 0, blue: 0)
  var opacity: UInt8 = 255
  /// The characters, and the spaces between them.
  var text: [Placement] = []
  /// The width of all boxes side by side; where it is larger than the image, the text is made narrower.
  var textWidth = 0
  var dots: [Dot] = []
  var dotWidth = 3
  var arcs: [Arc] = []
  var isSmoothed = true

  /// Draws new contents for an image of `characters`; the arrays' memory is used again.
  ///
  /// A ``CaptchaType/math`` question, which the package does not have, is drawn as any other text.
  mutating func draw(
    _ characters: [Character], width: Int, height: Int, recipe: LibraryRecipe, glyphs: LibraryGlyphs,
    using random: inout RandomStream
  ) {
    background = random.color(recipe.background)
    color = random.color(recipe.color)
    opacity = UInt8(random.uniform(recipe.opacity))
    drawText(characters, recipe: recipe, glyphs: glyphs, using: &random)
    dots.removeAll(keepingCapacity: true)
    for _ in 0..<recipe.dots { dots.append(Dot(x: random.uniform(0...width), y: random.uniform(0...height))) }
    dotWidth = recipe.dotWidth
    arcs.removeAll(keepingCapacity: true)
    for _ in 0..<recipe.arcs { arcs.append(Self.arc(width: width, height: height, recipe: recipe, using: &random)) }
    // A style that always smooths takes no random word for it.
    isSmoothed = recipe.smoothProbability >= 1 || random.unitFloat() < recipe.smoothProbability
  }

  private static func arc(width: Int, height: Int, recipe: LibraryRecipe, using random: inout RandomStream) -> Arc {
    let (fifthX, fifthY) = (width / 5, height / 5)
    let x0 = random.uniform(0...fifthX)
    let x1 = random.uniform(fifthX...width)
    let y0 = random.uniform(fifthY...(height - fifthY))
    let y1 = random.uniform(y0...(height - fifthY))
    let start = random.uniform(recipe.arcStart)
    return Arc(
      x0: x0, y0: y0, x1: x1, y1: y1, start: start, extent: random.uniform(recipe.arcEnd) - start,
      width: recipe.arcWidth)
  }

  private mutating func drawText(
    _ characters: [Character], recipe: LibraryRecipe, glyphs: LibraryGlyphs, using random: inout RandomStream
  ) {
    text.removeAll(keepingCapacity: true)
    textWidth = 0
    func placement(of character: Character) -> Placement {
      let glyph = glyphs.glyph(
        character, face: random.uniform(0...(glyphs.faceCount - 1)), shift: random.uniform(recipe.shift))
      let angle = random.fraction(in: recipe.angle)
      // The package multiplies only the width of the range by the size of the character, and adds the lower bound.
      let reachX =
        Double(glyph.boxWidth) * random.fraction() * (recipe.warpX.upperBound - recipe.warpX.lowerBound)
        + recipe.warpX.lowerBound
      let reachY =
        Double(glyph.boxHeight) * random.fraction() * (recipe.warpY.upperBound - recipe.warpY.lowerBound)
        + recipe.warpY.lowerBound
      let (x1, y1) = (random.within(reachX), random.within(reachY))
      let (x2, y2) = (random.within(reachX), random.within(reachY))
      return Placement(glyph: glyph, angle: angle, warp: Warp(x1: x1, y1: y1, x2: x2, y2: y2), x: 0)
    }
    for character in characters {
      if random.fraction() > recipe.spaceProbability { text.append(placement(of: " ")) }
      text.append(placement(of: character))
    }
    func step(_ glyph: LibraryGlyphs.Glyph) -> Int {
      recipe.closeness == 0
        ? glyph.boxWidth : Int((Double(glyph.boxWidth) * (1 - recipe.closeness)).rounded())
    }
    // Characters that are wide apart need more room.
    for item in text { textWidth += max(item.glyph.boxWidth, step(item.glyph)) }
    let mean = textWidth / max(1, characters.count)
    let overlap = Int(recipe.overlap * Double(mean))
    var x = Int(Double(mean) * recipe.margin)
    for index in text.indices {
      text[index].x = x
      x += step(text[index].glyph) - random.uniform(0...overlap)
    }
  }
}

extension RandomStream {
  /// A uniform number in [0, 1) with 32 random bits.
  @inline(__always)
  fileprivate mutating func fraction() -> Double { Double(nextWord()) * 0x1p-32 }

  /// A uniform number in `range`.
  @inline(__always)
  fileprivate mutating func fraction(in range: Range<Double>) -> Double {
    range.lowerBound + fraction() * (range.upperBound - range.lowerBound)
  }

  /// A whole number: a uniform one between `-reach` and `reach` without its fraction.
  @inline(__always)
  fileprivate mutating func within(_ reach: Double) -> Int { Int(fraction() * (reach + reach) - reach) }
}
