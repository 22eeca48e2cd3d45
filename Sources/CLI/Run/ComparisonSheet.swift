import Data
import Tensor

/// A picture with images of two folders side by side: the first folder's left, the second's right, type below type.
struct ComparisonSheet {
  /// The rows of one type.
  struct Band {
    /// The type; nil where no types are known.
    let type: String?
    /// One row of images for each pair of images; nil where a folder has no more.
    fileprivate let rows: [(left: Image?, right: Image?)]

    var rowCount: Int { rows.count }
  }

  /// From the top.
  let bands: [Band]
  let picture: Image

  /// Images that are larger are scaled down.
  private static let largestWidth = 600
  private static let largestHeight = 300
  /// Between images, in pixels, and three times as much between types.
  private static let gap = 4
  private static let background: [UInt8] = [96, 96, 96]

  /// Shows `count` random images of each type and folder, fewer where there are not so many.
  ///
  /// - Throws: `ImageError` where an image can no longer be read.
  init(_ comparison: DatasetComparison, count: Int, seed: UInt64) throws {
    let types = comparison.groups.compactMap(\.type)
    bands = try (types.isEmpty ? [nil] : types.map(Optional.some)).map { type in
      func images(_ folder: DatasetComparison.Folder, _ column: Int) throws -> [Image] {
        let samples = folder.samples.filter { type == nil || DatasetComparison.type(of: $0) == type }
        var random = RandomStream(seed: seed).stream("comparison \(type ?? "")", column)
        return try random.permutation(samples.count).prefix(count).map {
          Self.fitted(try ImageFile.read(folder.path(of: samples[$0]), as: .rgb))
        }
      }
      let (left, right) = (try images(comparison.first, 0), try images(comparison.second, 1))
      let rows = (0..<max(left.count, right.count)).map {
        (left: $0 < left.count ? left[$0] : nil, right: $0 < right.count ? right[$0] : nil)
      }
      return Band(type: type, rows: rows)
    }
    picture = Self.draw(bands)
  }

  /// The image, scaled down if it is too large for a sheet.
  private static func fitted(_ image: Image) -> Image {
    let scale = min(1, Double(largestWidth) / Double(image.width), Double(largestHeight) / Double(image.height))
    if scale == 1 { return image }
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    return image.resized(width: scaled(image.width), height: scaled(image.height))
  }

  private static func draw(_ bands: [Band]) -> Image {
    let rows = bands.flatMap(\.rows)
    let leftWidth = rows.reduce(1) { max($0, $1.left?.width ?? 0) }
    let rightWidth = rows.reduce(1) { max($0, $1.right?.width ?? 0) }
    func height(_ row: (left: Image?, right: Image?)) -> Int { max(row.left?.height ?? 0, row.right?.height ?? 0) }
    let height = gap + rows.reduce(0) { $0 + height($1) + gap } + 2 * gap * (bands.count - 1)
    var sheet = Image(width: leftWidth + rightWidth + 4 * gap, height: height, color: background)
    var top = gap
    for band in bands {
      for row in band.rows {
        if let image = row.left { sheet.paste(image, column: gap, row: top) }
        if let image = row.right { sheet.paste(image, column: leftWidth + 3 * gap, row: top) }
        top += max(row.left?.height ?? 0, row.right?.height ?? 0) + gap
      }
      top += 2 * gap
    }
    return sheet
  }
}
