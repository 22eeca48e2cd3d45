import Foundation
import Tensor

/// The folder with the packed images of other folders, one file per folder and options.
struct ImageCache {
  let folder: String

  /// The file for the images of a folder: `images-200x60-grayscale-0f1e2d3c.cache`, in which the digits tell folders of
  /// one name apart.
  func path(for images: String, _ options: DatasetOptions) -> String {
    let url = URL(fileURLWithPath: images).resolvingSymlinksInPath().standardizedFileURL
    let plain = url.lastPathComponent.unicodeScalars.filter {
      $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" || $0 == "_")
    }
    let name = plain.isEmpty ? "images" : String(String.UnicodeScalarView(plain.prefix(40)))
    let hash = String(UInt32(truncatingIfNeeded: Checksum64.of(url.path, seed: 0)), radix: 16)
    let digits = String(repeating: "0", count: 8 - hash.count) + hash
    return URL(fileURLWithPath: folder).path
      + "/\(name)-\(options.width)x\(options.height)-\(options.colorMode.rawValue)-\(digits).cache"
  }

  /// What a packed file of these images would be made from now.
  static func source(of names: [String], in images: String, _ options: DatasetOptions) -> PackedImageSource {
    let files = Threads.map(count: names.count) { index in
      var status = stat()
      guard stat("\(images)/\(names[index])", &status) == 0 else { return 0 as UInt64 }
      // The time of the last change of the file's name or rights too: unpacked archives set the other one.
      let times = [status.modificationTime, status.changeTime].flatMap { [$0.seconds, $0.nanoseconds] }
      return Checksum64.of(([Int(status.st_size)] + times).map { UInt64(bitPattern: Int64($0)) }, seed: 1)
    }
    return PackedImageSource(
      width: options.width, height: options.height, channels: options.colorMode.channels, count: names.count,
      limits: options.limits, names: names.reduce(0) { Checksum64.of($1, seed: $0) },
      files: Checksum64.of(files, seed: 0))
  }
}
