import Data
import Foundation
import Training

/// A few drawn images as files, each alone and all below one another in one picture.
struct SampleImages {
  let captchas: [Captcha]
  let files: [URL]
  /// All of them in one picture.
  let sheet: URL

  init(_ images: DrawnImages, count: Int, folder: URL) throws {
    precondition(count > 0, "SampleImages: the count must be positive, not \(count)")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw TrainingError(
        "\(folder.path): cannot be made (\(error.localizedDescription)); check the run directory's permissions")
    }
    let captchas = (0..<count).map(images.captcha)
    self.captchas = captchas
    files = try captchas.enumerated().map { offset, captcha in
      let file = folder.appendingPathComponent("\(captcha.label)-\(offset + 1).png")
      try PNG.write(captcha.image, to: file.path)
      return file
    }
    let (width, height) = (captchas[0].image.width, captchas[0].image.height)
    sheet = folder.appendingPathExtension("png")
    try PNG.write(
      Image(width: width, height: height * count, channels: 3, pixels: captchas.flatMap(\.image.pixels)),
      to: sheet.path)
  }
}
