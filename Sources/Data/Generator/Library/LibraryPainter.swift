/// Paints scenes of the style ``CaptchaStyle/library``: the memory of one thread.
struct LibraryPainter {
  private let glyphs: LibraryGlyphs
  private var warp: LibraryGlyphWarp
  private var text: LibraryCanvas
  private let rows: UnsafeMutableBufferPointer<UInt16>

  /// - Parameter longestText: the largest number of characters in a scene, spaces left out.
  init(glyphs: LibraryGlyphs, recipe: LibraryRecipe, longestText: Int, width: Int, height: Int) {
    self.glyphs = glyphs
    warp = LibraryGlyphWarp(glyphs: glyphs, recipe: recipe)
    let widest = max(width, Self.widestText(glyphs: glyphs, recipe: recipe, longestText: longestText))
    text = LibraryCanvas(widest: widest, width: width, height: height)
    rows = .allocate(capacity: Canvas.smoothScratchCount(width: width))
  }

  /// The most columns that a text with a space before each character takes before it is made narrower.
  static func widestText(glyphs: LibraryGlyphs, recipe: LibraryRecipe, longestText: Int) -> Int {
    let widest = Double(2 * longestText * (glyphs.largestBoxWidth + 1))
    return Int((widest * (1 + max(0, -recipe.closeness))).rounded(.up))
  }

  func deallocate() {
    warp.deallocate()
    text.deallocate()
    rows.deallocate()
  }

  /// Paints a scene on the whole canvas, whose size is the one that the painter was made for.
  mutating func paint(_ scene: LibraryScene, on canvas: Canvas) {
    text.fill(scene.background, width: max(canvas.width, scene.textWidth))
    warp.setColor(scene.color, opacity: scene.opacity)
    glyphs.coverage.withUnsafeBufferPointer { coverage in
      guard let base = coverage.baseAddress else { return }
      for item in scene.text { warp.paint(item, coverage: base, on: text) }
    }
    text.copy(to: canvas)
    for dot in scene.dots {
      canvas.line(Line(x0: dot.x, y0: dot.y, x1: dot.x - 1, y1: dot.y - 1, width: scene.dotWidth), color: scene.color)
    }
    for arc in scene.arcs { canvas.arc(arc, color: scene.color) }
    if scene.isSmoothed { canvas.smooth(scratch: rows) }
  }
}
