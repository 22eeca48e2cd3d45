/// Numbers that describe how an image looks, to compare drawn images with given ones.
///
/// Brightness is ITU-R 601-2 luma as `Image.grayscale()` gives it, 0...255.
public struct ImageStatistics: Sendable, Hashable {
  /// What is measured. The raw values name the measures in reports and stay the same.
  public enum Measure: String, Sendable, Codable, CaseIterable {
    /// The share of pixels darker than the background: luma below the image's median by more than 32.
    case ink
    /// The share of pixels as dark as characters: luma below 110.
    case darkInk = "dark_ink"
    /// The mean absolute difference of luma between horizontal neighbours.
    case horizontalEdges = "horizontal_edges"
    /// The mean absolute difference of luma between vertical neighbours.
    case verticalEdges = "vertical_edges"
    /// The standard deviation of noise in luma, estimated from the highest frequencies (Immerkær, "Fast noise variance
    /// estimation", 1996).
    case noise
    /// The number of different colours.
    case distinctColors = "distinct_colors"
    /// The mean of the red values, 0...255.
    case red
    /// The mean of the green values, 0...255.
    case green
    /// The mean of the blue values, 0...255.
    case blue
    /// The first column with dark ink, from 0.
    case boxLeft = "box_left"
    /// The first row with dark ink, from 0.
    case boxTop = "box_top"
    /// The columns from the first to the last with dark ink.
    case boxWidth = "box_width"
    /// The rows from the first to the last with dark ink.
    case boxHeight = "box_height"
    /// The columns of the image.
    case imageWidth = "image_width"
    /// The rows of the image.
    case imageHeight = "image_height"
  }

  /// How much darker than the image's median luma ink is.
  public static let inkThreshold = 32
  /// The luma below which ink is dark.
  public static let darkLuma = 110

  /// By the order of `Measure.allCases`; NaN where there is no value.
  let values: [Double]

  /// The value of a measure; nil where the image has none: the box of an image without dark ink, differences between
  /// neighbours that are not there.
  public subscript(measure: Measure) -> Double? {
    guard let index = Measure.allCases.firstIndex(of: measure), !values[index].isNaN else { return nil }
    return values[index]
  }

  /// Measures an image.
  public init(_ image: Image) {
    let (width, height) = (image.width, image.height)
    let luma = LumaPlane(image.grayscale())
    let (edges, box) = (luma.edges, luma.darkBox)
    let mean = Self.meanColor(image)
    values = Measure.allCases.map { measure in
      switch measure {
      case .ink: luma.share(below: luma.median - Self.inkThreshold)
      case .darkInk: luma.share(below: Self.darkLuma)
      case .horizontalEdges: edges.horizontal
      case .verticalEdges: edges.vertical
      case .noise: luma.noise
      case .distinctColors: Double(Self.distinctColors(image))
      case .red: mean[0]
      case .green: mean[1]
      case .blue: mean[2]
      case .boxLeft: box.map { Double($0.columns.lowerBound) } ?? .nan
      case .boxTop: box.map { Double($0.rows.lowerBound) } ?? .nan
      case .boxWidth: box.map { Double($0.columns.count) } ?? .nan
      case .boxHeight: box.map { Double($0.rows.count) } ?? .nan
      case .imageWidth: Double(width)
      case .imageHeight: Double(height)
      }
    }
  }

  private static func meanColor(_ image: Image) -> [Double] {
    var sums = [0, 0, 0]
    image.pixels.withUnsafeBufferPointer { pixels in
      for channel in 0..<image.channels {
        var sum = 0
        for index in stride(from: channel, to: pixels.count, by: image.channels) { sum += Int(pixels[index]) }
        sums[channel] = sum
      }
    }
    if image.channels == 1 { sums = [sums[0], sums[0], sums[0]] }
    return sums.map { Double($0) / Double(image.width * image.height) }
  }

  private static func distinctColors(_ image: Image) -> Int {
    image.pixels.withUnsafeBufferPointer { pixels in
      var colors = stride(from: 0, to: pixels.count, by: image.channels).map { start in
        (0..<image.channels).reduce(0 as UInt32) { $0 << 8 | UInt32(pixels[start + $1]) }
      }
      colors.sort()
      return zip(colors, colors.dropFirst()).reduce(1) { $0 + ($1.0 == $1.1 ? 0 : 1) }
    }
  }
}

/// The luma of an image and what is measured in it.
private struct LumaPlane {
  let width: Int
  let height: Int
  let pixels: [UInt8]
  private var histogram = [Int](repeating: 0, count: 256)

  init(_ image: Image) {
    (width, height, pixels) = (image.width, image.height, image.pixels)
    for value in pixels { histogram[Int(value)] += 1 }
  }

  /// The lower median: the value at place `(count - 1) / 2` of the sorted ones.
  var median: Int {
    var rest = (pixels.count - 1) / 2
    for (value, count) in histogram.enumerated() {
      if rest < count { return value }
      rest -= count
    }
    preconditionFailure("LumaPlane.median: an image has at least one pixel")
  }

  /// The share of pixels whose luma is below `limit`.
  func share(below limit: Int) -> Double {
    Double(histogram.prefix(max(limit, 0)).reduce(0, +)) / Double(pixels.count)
  }

  /// The mean absolute differences of neighbours in a row and in a column; NaN where there are none.
  var edges: (horizontal: Double, vertical: Double) {
    var (horizontal, vertical) = (0, 0)
    pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<height {
        let start = row * width
        for index in start..<start + width - 1 { horizontal += abs(Int(pixels[index + 1]) - Int(pixels[index])) }
      }
      for index in 0..<pixels.count - width { vertical += abs(Int(pixels[index + width]) - Int(pixels[index])) }
    }
    return (
      Double(horizontal) / Double((width - 1) * height), Double(vertical) / Double(width * (height - 1))
    )
  }

  /// The smallest rectangle that holds all dark ink; nil where there is none.
  var darkBox: (columns: Range<Int>, rows: Range<Int>)? {
    var (left, right, top, bottom) = (width, 0, height, 0)
    for row in 0..<height {
      for column in 0..<width where Int(pixels[row * width + column]) < ImageStatistics.darkLuma {
        left = min(left, column)
        right = max(right, column + 1)
        top = min(top, row)
        bottom = row + 1
      }
    }
    return left < right ? (left..<right, top..<bottom) : nil
  }

  /// `√(π/2) / 6 · mean |luma ∗ [1 -2 1; -2 4 -2; 1 -2 1]|` over the pixels that have all neighbours; NaN without any.
  var noise: Double {
    guard width > 2 && height > 2 else { return .nan }
    var sum = 0
    pixels.withUnsafeBufferPointer { pixels in
      /// Second difference along a row.
      func second(_ index: Int) -> Int { Int(pixels[index - 1]) - 2 * Int(pixels[index]) + Int(pixels[index + 1]) }
      for row in 1..<height - 1 {
        for column in 1..<width - 1 {
          let index = row * width + column
          sum += abs(second(index - width) - 2 * second(index) + second(index + width))
        }
      }
    }
    return (Double.pi / 2).squareRoot() / 6 * Double(sum) / Double((width - 2) * (height - 2))
  }
}
