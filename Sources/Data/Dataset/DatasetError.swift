import Foundation

/// Why a folder could not be read as a data set, or a data set not be divided.
public enum DatasetError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// There is nothing at the path.
  case missingFolder(path: String)
  /// The path is a file.
  case notAFolder(path: String)
  /// The folder can't be listed.
  case unreadableFolder(path: String, reason: String)
  /// The folder holds no images.
  case noImages(path: String)
  /// The list of labels can't be read.
  case unreadableList(file: String, reason: String)
  /// The list of labels names no images.
  case emptyList(file: String)
  /// More than the allowed share of the `total` images was rejected.
  case tooManyRejected(path: String, rejected: [Rejection], total: Int, maximumShare: Double)
  /// The images don't fit into memory.
  case outOfMemory(bytes: Int)
  /// The pixels need more memory than is left.
  case notEnoughMemory(path: String, images: Int, bytes: Int, available: Int)
  /// What is in the place of a cache file is none, and is not replaced.
  case notACache(file: String)
  /// The cache file can't be opened.
  case unreadableCache(file: String, reason: String)
  /// The cache file, which will have `bytes` bytes, can't be written.
  case unwritableCache(file: String, bytes: Int, reason: String)
  /// The pixels of an image in the cache file can't be read or have changed.
  case damagedCache(file: String, image: String, reason: String)
  /// The share of validation images is not between 0 and 1.
  case invalidFraction(Double)
  /// Splitting would leave no images for training or none for validation.
  case emptySplit(training: Int, validation: Int, fraction: Double)

  public var description: String {
    switch self {
    case .missingFolder(let path):
      return "\(path): no such folder; check the path, or draw images with `captcha-cli generate --output \(path)`"
    case .notAFolder(let path): return "\(path): this is a file; give the folder that holds the images"
    case .unreadableFolder(let path, let reason): return "\(path): can't be listed: \(reason); check its permissions"
    case .noImages(let path):
      return "\(path): the folder holds no images (\(ImageFormat.fileExtensions.joined(separator: ", "))); "
        + "give another, or draw images with `captcha-cli generate --output \(path)`"
    case .unreadableList(let file, let reason): return "\(file): can't be read: \(reason); correct or remove the file"
    case .emptyList(let file):
      return "\(file): names no images; write one line per image, or remove the file to take labels from file names"
    case .tooManyRejected(let path, let rejected, let total, let maximumShare):
      let shown = rejected.prefix(3).map { "\($0.file.visible) (\($0.reason))" }.joined(separator: ", ")
      let more = rejected.count > 3 ? " and \(rejected.count - 3) more" : ""
      return "\(path): \(rejected.count) of \(total) images are rejected, more than the allowed share of "
        + "\(maximumShare): \(shown)\(more); correct them (`captcha-cli dataset check \(path)` lists all), "
        + "or raise the allowed share"
    case .outOfMemory(let bytes):
      return "no memory for \(bytes) bytes of images; use fewer images, a smaller size or grayscale"
    case .notEnoughMemory(let path, let images, let bytes, let available):
      return "\(path): the pixels of \(images) images need \(bytes) bytes of memory, and \(available) are available; "
        + "keep them on disk with data.cache (`--cache DIR`), or use fewer images, a smaller size or grayscale"
    case .notACache(let file):
      return "\(file): this is no cache of images and is not replaced; move it away, or give another folder for caches"
    case .unreadableCache(let file, let reason):
      return "\(file): the cache can't be read: \(reason); check its permissions, or give another folder for caches"
    case .unwritableCache(let file, let bytes, let reason):
      return
        "\(file): the cache can't be written: \(reason); it needs \(bytes) bytes; free some space, or give another "
        + "folder for caches"
    case .damagedCache(let file, let image, let reason):
      return "\(file): the pixels of \(image) in the cache \(reason); remove this file, and the next run makes it anew"
    case .invalidFraction(let fraction):
      return "the validation fraction \(fraction) is not between 0 and 1; give for example 0.2"
    case .emptySplit(let training, let validation, let fraction):
      return "a validation fraction of \(fraction) divides \(training + validation) images into \(training) for "
        + "training and \(validation) for validation; use more images or another fraction"
    }
  }

  public var errorDescription: String? { description }
}

/// An image or list entry that a data set leaves out.
public struct Rejection: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The image's name within the folder, or the list's name and line.
  public let file: String
  /// What is wrong with it.
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String { "\(file.visible): \(reason)" }
}
