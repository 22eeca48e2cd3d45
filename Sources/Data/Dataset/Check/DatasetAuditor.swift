/// Looks at the images of a check as they are read, so that none is decoded twice, and may find something in them.
public protocol DatasetAuditor {
  /// What is kept of an image until `audit` gets it, such as the image in a model's size; nil leaves the image out. Called
  /// by any thread, several at once.
  var preparation: @Sendable (Image) -> Image? { get }

  /// Looks at some images that were prepared, and returns what it finds. Called on the thread of the check.
  func audit(_ images: [(sample: Sample, image: Image)]) -> [DatasetFinding]
}
