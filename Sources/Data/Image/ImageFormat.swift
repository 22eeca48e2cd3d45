/// The formats of image files that are read.
///
/// PNG is always there; the others need gdk-pixbuf, which is loaded when the first such image is read.
public enum ImageFormat: String, Sendable, Codable, CaseIterable {
  case png
  case jpeg
  case gif
  case bmp

  /// The format whose signature the file starts with; nil where it is none of them. The file's name plays no part.
  public init?(signatureOf bytes: some Collection<UInt8>) {
    guard let format = Self.allCases.first(where: { bytes.starts(with: $0.signature) }) else { return nil }
    self = format
  }

  /// The format that files with this extension, without its dot, should have; nil where it is none of them.
  init?(fileExtension: String) {
    switch fileExtension.lowercased() {
    case "jpg": self = .jpeg
    case let name: self.init(rawValue: name)
    }
  }

  /// What people call it, such as `JPEG`.
  public var displayName: String { rawValue.uppercased() }

  /// Whether images of this format can be read on this machine.
  public var isReadable: Bool {
    self == .png || (try? PixbufLibrary.system.get().canRead(self)) == true
  }

  /// The first bytes of every file of this format.
  var signature: [UInt8] {
    switch self {
    case .png: return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    case .jpeg: return [0xFF, 0xD8, 0xFF]
    case .gif: return Array("GIF8".utf8)
    case .bmp: return Array("BM".utf8)
    }
  }

  /// Whether a folder's file of this name is taken for an image: by its extension, in either case.
  public static func isImageName(_ name: String) -> Bool {
    let lowercased = name.lowercased()
    return fileExtensions.contains { lowercased.hasSuffix($0) }
  }

  /// The extensions of image files, with their dots.
  static let fileExtensions = [".png", ".jpg", ".jpeg", ".gif", ".bmp"]
}
