import Data

/// Pictures in rows and columns, as one.
struct ContactSheet {
  let picture: Image

  /// Between pictures, in pixels, and at the border.
  private static let gap = 4
  private static let background: [UInt8] = [96, 96, 96]

  /// - Parameter rows: pictures of one size; there is at least one.
  init(rows: [[Image]]) {
    let (width, height) = (rows[0][0].width, rows[0][0].height)
    let columns = rows.reduce(0) { max($0, $1.count) }
    var sheet = Image(
      width: columns * (width + Self.gap) + Self.gap, height: rows.count * (height + Self.gap) + Self.gap,
      color: Self.background)
    for (row, pictures) in rows.enumerated() {
      for (column, picture) in pictures.enumerated() {
        sheet.paste(
          picture.rgb(), column: Self.gap + column * (width + Self.gap), row: Self.gap + row * (height + Self.gap))
      }
    }
    picture = sheet
  }
}

extension Image {
  /// Copies `image`, which has as many channels and must fit, over the pixels from that place on.
  mutating func paste(_ image: Image, column: Int, row: Int) {
    precondition(
      column + image.width <= width && row + image.height <= height && image.channels == channels,
      "Image.paste: \(image.width)×\(image.height) at \(column), \(row) does not fit into \(width)×\(height)")
    let (source, length) = (image.pixels, image.width * channels)
    for line in 0..<image.height {
      let start = ((row + line) * width + column) * channels
      pixels.replaceSubrange(start..<start + length, with: source[line * length..<(line + 1) * length])
    }
  }
}
