extension Image {
  /// Makes an image of rows of pixels whose last channel may be alpha, the share of the pixel that covers white.
  ///
  /// Each value becomes `(value * alpha + 255 * (255 - alpha)) / 255`, rounded to the nearest, as Pillow's `paste` does.
  /// - Parameters:
  ///   - rows: `height` rows of `width * channels` values, each row `rowStride` bytes after the one before.
  ///   - channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
  init(width: Int, height: Int, channels: Int, rowStride: Int, blendingRows rows: UnsafePointer<UInt8>) {
    let kept = channels > 2 ? 3 : 1
    self.init(width: width, height: height, channels: kept) { target in
      for y in 0..<height {
        let row = rows + y * rowStride
        let output = target.baseAddress! + y * width * kept
        if channels == kept {
          output.initialize(from: row, count: width * kept)
          continue
        }
        for x in 0..<width {
          let alpha = UInt32(row[x * channels + kept])
          for channel in 0..<kept {
            let sum = UInt32(row[x * channels + channel]) * alpha + 255 * (255 - alpha) + 128
            output[x * kept + channel] = UInt8(truncatingIfNeeded: (sum + sum >> 8) >> 8)
          }
        }
      }
    }
  }
}
