import Tensor

/// What a drawn image shows.
public struct CaptchaContent: Sendable, Hashable, Codable {
  /// The characters in the picture.
  public let text: String
  /// What a recogniser must answer: the text, in lower case where the configuration folds it, but for math images the
  /// result where the configuration says so.
  public let label: String
  /// The type of captcha.
  public let type: CaptchaType
  /// The look of the image.
  public let style: CaptchaStyle
}

/// A drawn image with its label.
public struct Captcha: Sendable, Equatable {
  /// What the image shows.
  public let content: CaptchaContent
  /// The image, RGB.
  public let image: Image

  /// The characters in the picture.
  public var text: String { content.text }
  /// What a recogniser must answer.
  public var label: String { content.label }
  /// The type of captcha.
  public var type: CaptchaType { content.type }
  /// The look of the image.
  public var style: CaptchaStyle { content.style }
}

/// Draws labelled captcha images.
///
/// Image `index` is a pure function of the configuration, the seed and the index: whoever draws it, in whatever order and
/// on however many threads, gets the same bytes.
/// ```swift
/// let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(types: [.digit]))
/// let captcha = generator.captcha(index: 0, seed: 42)
/// ```
public final class CaptchaGenerator: Sendable {
  /// What is drawn.
  public let configuration: GeneratorConfiguration
  /// The font files in use, those of folders one by one.
  public let fonts: [String]

  fileprivate let look: Look
  private let characters: [CaptchaType: [Character]]
  private let types: TypeSequence

  /// Loads the fonts and draws every glyph once.
  ///
  /// - Throws: ``GeneratorError`` where no font is found, one cannot be read or lacks a character, or the glyphs would
  ///   take too much memory.
  public convenience init(configuration: GeneratorConfiguration) throws(GeneratorError) {
    try self.init(configuration: configuration, usualFontPaths: nil)
  }

  /// - Parameter usualFontPaths: where to look for the style's own font, in place of the usual paths.
  init(configuration: GeneratorConfiguration, usualFontPaths: [String]?) throws(GeneratorError) {
    self.configuration = configuration
    let location = FontLocation.usual(for: configuration.style)
    if let paths = configuration.fonts {
      fonts = try FontFiles.expand(paths)
    } else {
      fonts = [try location.find(in: usualFontPaths)]
    }
    var characters: [CaptchaType: [Character]] = [:]
    for type in configuration.types { characters[type] = configuration.characters(for: type) }
    self.characters = characters
    look = try Look(
      configuration, fonts: fonts, characters: CaptchaType.allCases.flatMap { characters[$0] ?? [] })
    types = TypeSequence(configuration.types, weights: configuration.types.map(configuration.weight))
  }

  /// A hash of what the characters look like.
  var glyphHash: UInt64 { look.coverage.withUnsafeBytes { Checksum64.of($0) } }

  /// The type of image `index`.
  public func type(of index: Int) -> CaptchaType {
    precondition(index >= 0, "CaptchaGenerator: the index must not be negative, not \(index)")
    return types[index]
  }

  /// Draws one image.
  public func captcha(index: Int, seed: UInt64) -> Captcha {
    var content: CaptchaContent?
    let image = Image(width: configuration.width, height: configuration.height, channels: 3) { pixels in
      content = withPainter { $0.paint(index: index, seed: seed, into: pixels) }
    }
    guard let content else { preconditionFailure("CaptchaGenerator: the image was not drawn") }
    return Captcha(content: content, image: image)
  }

  /// Draws the images of `indices` side by side into `pixels`, divided among the threads.
  ///
  /// - Parameters:
  ///   - pixels: `[indices.count, height, width, colorMode.channels]`; every byte is written.
  ///   - indices: which images.
  ///   - seed: the seed of the data set.
  ///   - colorMode: RGB, or the images' brightness (ITU-R 601-2 luma, as `Image.grayscale()`).
  /// - Returns: what each image shows, in order.
  @discardableResult
  public func fill(
    _ pixels: UnsafeMutableBufferPointer<UInt8>, indices: some Collection<Int>, seed: UInt64, colorMode: ColorMode
  ) -> [CaptchaContent] {
    let indices = Array(indices)
    let area = configuration.width * configuration.height
    let size = area * colorMode.channels
    precondition(
      pixels.count == indices.count * size,
      "CaptchaGenerator.fill: \(indices.count) images need \(indices.count * size) bytes, not \(pixels.count)")
    guard let base = pixels.baseAddress else { return [] }
    nonisolated(unsafe) let target = base
    return [CaptchaContent](unsafeUninitializedCapacity: indices.count) { buffer, initialized in
      nonisolated(unsafe) let contents = buffer
      Threads.forEachPart(of: indices.count) { items, _ in
        withPainter { painter in
          for item in items {
            let image = UnsafeMutableBufferPointer(start: target + item * size, count: size)
            let content = painter.paint(index: indices[item], seed: seed, into: image, colorMode: colorMode)
            contents.initializeElement(at: item, to: content)
          }
        }
      }
      initialized = indices.count
    }
  }

  private func withPainter<Result>(_ body: (inout Painter) -> Result) -> Result {
    var painter = Painter(generator: self)
    defer { painter.deallocate() }
    return body(&painter)
  }

  /// Draws what an image of `type` shows; `characters` is the text.
  fileprivate func content(
    type: CaptchaType, using random: inout RandomStream
  ) -> (content: CaptchaContent, characters: [Character]) {
    if type == .math {
      let question = MathQuestion(using: &random)
      let label = configuration.mathLabel == .answer ? String(question.answer) : question.text
      let content = CaptchaContent(text: question.text, label: label, type: type, style: configuration.style)
      return (content, Array(question.text))
    }
    guard let choices = characters[type] else { preconditionFailure("CaptchaGenerator: no characters for \(type)") }
    let length = random.uniform(configuration.lengths)
    let chosen = (0..<length).map { _ in choices[random.uniform(0...(choices.count - 1))] }
    let content = CaptchaContent(
      text: String(chosen), label: configuration.label(of: chosen), type: type, style: configuration.style)
    return (content, chosen)
  }
}

/// What the images of one style are drawn from.
private enum Look: Sendable {
  case classic(ClassicRecipe, GlyphAtlas, Rotations)
  case library(LibraryRecipe, LibraryGlyphs)

  /// - Parameter fonts: at least one file.
  init(_ configuration: GeneratorConfiguration, fonts: [String], characters: [Character]) throws(GeneratorError) {
    let (width, height) = (configuration.width, configuration.height)
    switch configuration.style {
    case .classic:
      let recipe = ClassicRecipe(width: width, height: height, difficulty: configuration.difficulty)
      let atlas = try GlyphAtlas(fonts: fonts, characters: characters, sizes: recipe.sizes, tile: recipe.tile)
      self = .classic(recipe, atlas, Rotations(recipe.angle, tile: recipe.tile))
    case .library:
      let recipe = LibraryRecipe(height: height, difficulty: configuration.difficulty)
      let glyphs = try LibraryGlyphs(
        fonts: fonts, characters: characters, sizes: recipe.sizes, shiftCount: recipe.shift.count)
      let widest = LibraryPainter.widestText(
        glyphs: glyphs, recipe: recipe, longestText: configuration.longestText)
      if 3 * height * widest > GlyphMemory.largestByteCount {
        throw .invalidConfiguration(
          key: "height", value: "\(height)",
          remedy: "texts of \(configuration.longestText) characters take more than "
            + "\(GlyphMemory.largestByteCount >> 20) MiB before they are made narrower; use a smaller height or shorter "
            + "texts")
      }
      self = .library(recipe, glyphs)
    }
  }

  /// What the characters look like.
  var coverage: [UInt8] {
    switch self {
    case .classic(_, let atlas, _): atlas.coverage
    case .library(_, let glyphs): glyphs.coverage
    }
  }
}

/// What drawing one image after the other needs: the memory of one thread.
private struct Painter {
  let generator: CaptchaGenerator
  private var scene = ClassicScene()
  private var libraryScene = LibraryScene()
  private var libraryPainter: LibraryPainter?
  private let scratch: UnsafeMutableBufferPointer<UInt8>
  /// Room for an RGB image that is turned to grayscale.
  private let rgb: UnsafeMutableBufferPointer<UInt8>

  init(generator: CaptchaGenerator) {
    self.generator = generator
    let (width, height) = (generator.configuration.width, generator.configuration.height)
    rgb = .allocate(capacity: 3 * width * height)
    switch generator.look {
    case .classic(let recipe, _, _):
      scratch = .allocate(
        capacity: Canvas.blurScratchCount(width: width, height: height, radius: recipe.blurRadius.upperBound))
    case .library(let recipe, let glyphs):
      scratch = .allocate(capacity: 0)
      libraryPainter = LibraryPainter(
        glyphs: glyphs, recipe: recipe, longestText: generator.configuration.longestText, width: width, height: height)
    }
  }

  func deallocate() {
    libraryPainter?.deallocate()
    scratch.deallocate()
    rgb.deallocate()
  }

  /// Draws image `index` into `pixels`, every byte of it.
  mutating func paint(
    index: Int, seed: UInt64, into pixels: UnsafeMutableBufferPointer<UInt8>, colorMode: ColorMode = .rgb
  ) -> CaptchaContent {
    var random = RandomStream(seed: seed).stream("captcha", index)
    let (width, height) = (generator.configuration.width, generator.configuration.height)
    let (content, characters) = generator.content(type: generator.type(of: index), using: &random)
    let canvas = Canvas(pixels: colorMode == .rgb ? pixels : rgb, width: width, height: height)
    switch generator.look {
    case .classic(let recipe, let atlas, let rotations):
      scene.draw(
        characters, width: width, height: height, interference: content.type != .math, recipe: recipe,
        rotations: rotations, fonts: generator.fonts.count, using: &random)
      scene.paint(on: canvas, atlas: atlas, rotations: rotations, scratch: scratch)
    case .library(let recipe, let glyphs):
      libraryScene.draw(characters, width: width, height: height, recipe: recipe, glyphs: glyphs, using: &random)
      libraryPainter?.paint(libraryScene, on: canvas)
    }
    if colorMode == .grayscale { canvas.copyLuma(to: pixels) }
    return content
  }
}
