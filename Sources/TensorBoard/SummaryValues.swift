import Data
import Foundation
import Tensor

extension Tensorboard_Summary.Value {
  static func scalar(_ tag: String, _ value: Double) -> Self {
    .with {
      $0.tag = tag
      $0.simpleValue = Float(value)
    }
  }

  static func histogram(_ tag: String, _ histogram: WeightHistogram) -> Self {
    .with {
      $0.tag = tag
      $0.histo = .with {
        $0.min = histogram.minimum
        $0.max = histogram.maximum
        $0.num = Double(histogram.finiteCount)
        $0.sum = histogram.sum
        $0.sumSquares = histogram.sumOfSquares
        $0.bucketLimit = histogram.limits
        $0.bucket = histogram.counts.map(Double.init)
      }
    }
  }

  /// - Parameter picture: uint8 [height, width, channels].
  /// - Throws: `ImageError` where the picture can't be encoded.
  static func image(_ tag: String, _ picture: Tensor) throws -> Self {
    let image = Image(
      width: picture.shape[1], height: picture.shape[0], channels: picture.shape[2],
      pixels: picture.elements(of: UInt8.self))
    let file = try PNG.encode(image, compressionLevel: 9, named: tag)
    return .with {
      $0.tag = tag
      $0.image = .with {
        $0.height = Int32(image.height)
        $0.width = Int32(image.width)
        $0.colorspace = Int32(image.channels)
        $0.encodedImageString = Foundation.Data(file)
      }
    }
  }

  /// - Parameter markdown: what the text plugin shows.
  static func text(_ tag: String, _ markdown: String) -> Self {
    .with {
      $0.tag = tag
      // A tensor of no dimensions; the plugin's own data is empty in its version 0.
      $0.tensor = .with {
        $0.dtype = .dtString
        $0.tensorShape = .init()
        $0.stringVal = [Foundation.Data(markdown.utf8)]
      }
      $0.metadata.pluginData.pluginName = "text"
    }
  }
}
