import Data
import Foundation
import Tensor

/// Reads texts from images of any size and colour: a model, or several together.
///
/// ```swift
/// let recognizer = try ModelFile.recognizer(contentsOf: URL(filePath: "model.safetensors"))
/// let reading = try recognizer.read(path: "captcha.png")
/// ```
public protocol TextRecognizer: AnyObject, BatchRecognizer {
  /// The sizes and colours in which the models take images, each once.
  var inputs: [ImageInput] { get }
  /// The sizes of the images that all models know how to read, such as `200×60`.
  var knownSizes: [String] { get }
  /// The types of captcha that all models were trained on; nil where that is not known.
  var trainedTypes: [String]? { get }

  /// Reads texts from now on as `change` says of the present options.
  ///
  /// - Throws: `DecodingOptionsError` if they ask for what a model can't read; nothing changes then.
  func decode(_ change: (DecodingOptions) -> DecodingOptions) throws(DecodingOptionsError)

  /// Takes these for the readings as a whole.
  func calibrate(temperature: Double, minimumConfidence: Double?) throws(DecodingOptionsError)

  /// Refuses models whose outputs for any image so far were NaN or infinite: their readings are empty texts. A type that
  /// does not say so itself refuses nothing.
  ///
  /// - Throws: `ModelError` that names the model's file.
  func requireNumbers() throws

  /// What a file says of the models, and of how texts are read from now on.
  func metadata() throws -> [String: String]
}

extension TextRecognizer {
  public var inputCount: Int { inputs.count }

  /// Refuses nothing.
  public func requireNumbers() throws {}

  /// Reads images of any size and colour; they are brought to the models'.
  ///
  /// For up to four images the large dense weights are read as float16, which makes a single reading faster; confidences may
  /// then differ in the fourth digit from those of the same image among more.
  ///
  /// - Parameter areFew: whether these images are all that will be read, so that speed with one of them counts; nil where
  ///   there are at most four.
  public func read(_ images: [Image], areFew: Bool? = nil) -> [Reading] {
    let areFew = areFew ?? (images.count <= Recognizer.few)
    return stride(from: 0, to: images.count, by: mostImages).flatMap { start in
      let batch = Array(images[start..<min(start + mostImages, images.count)])
      return readings(outputs(inputs.map { $0.tensor(batch) }, float16Weights: areFew))
    }
  }

  /// Reads one image file.
  ///
  /// - Throws: `ImageError` that names the file.
  public func read(path: String) throws -> Reading { read([try ImageFile.read(path, as: inputs.colorMode)])[0] }
}

/// The most images that pass through a model together; more would only cost memory.
private let mostImages = 64

extension ImageInput {
  /// Images of any size and colour with values from 0 to 1, float32 [N, H, W, C].
  fileprivate func tensor(_ images: [Image]) -> Tensor {
    let pixels = Threads.map(count: images.count) { prepared(images[$0]).pixels }
    return Tensor(pixels.flatMap { $0 }, shape: [images.count, height, width, colorMode.channels])
      .floats(dividedBy: 255)
  }
}

extension [ImageInput] {
  /// The colours that all of them have; nil where they differ.
  public var colorMode: ColorMode? { allSatisfy { $0.colorMode == first?.colorMode } ? first?.colorMode : nil }

  /// An image as far as it can be prepared for all of them: as it is where they differ.
  public func prepared(_ image: Image) -> Image { count == 1 ? self[0].prepared(image) : image }
}

/// Files that hold what reads texts.
public enum ModelFile {
  /// Loads a file of one model or of an ensemble.
  ///
  /// - Throws: an error that names the file and the remedy.
  public static func recognizer(contentsOf url: URL) throws -> any TextRecognizer {
    try recognizer(Safetensors(contentsOf: url), file: url.path)
  }

  /// Loads the content of such a file.
  ///
  /// - Parameter file: what errors call it.
  public static func recognizer(_ content: Safetensors, file: String) throws -> any TextRecognizer {
    Ensemble.isFile(content) ? try Ensemble(content, file: file) : try Recognizer(content, file: file)
  }
}
