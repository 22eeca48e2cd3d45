import Tensor
import Testing

@testable import Data

@Suite struct DatasetBatchTests {
  private func dataset() throws -> Dataset {
    try Dataset(width: 16, height: 2, channels: 3, count: 20) { index, pixels in
      for offset in pixels.indices { pixels[offset] = UInt8((index * 37 + offset * 5) % 256) }
      return Sample(name: "\(index)", label: String("\(index)ab".prefix(3)))
    }
  }

  @Test func imagesAreBytesDividedBy255() throws {
    let dataset = try dataset()
    let indices = [19, 0, 7, 7, 3, 12, 1, 2, 11]
    let images = try dataset.images(at: indices)
    #expect(images.shape == [9, 2, 16, 3] && images.dtype == .float32)
    let expected = indices.flatMap { index in (0..<96).map { Float((index * 37 + $0 * 5) % 256) / 255 } }
    #expect(images.elements() == expected)
    #expect(images.elements().max()! <= 1)
  }

  @Test func oneImageIsTheSameAsInABatch() throws {
    let dataset = try dataset()
    let alone = try dataset.image(at: 5).tensor
    #expect(alone.shape == [1, 2, 16, 3])
    #expect(try alone.elements() == dataset.images(at: [5]).elements())
  }

  @Test func labelsBelongToTheImages() throws {
    let dataset = try dataset()
    let codec = try LabelCodec(charset: Charset("0123456789ab"), maximumLength: 4)
    let labels = try dataset.encodedLabels(codec: codec)
    #expect(labels.count == 20)
    let batch = try dataset.batch([13, 4][...], labels: labels)
    #expect(batch.classes.shape == [2, 4])
    // "13a" and "4ab", padding is 12.
    #expect(batch.classes.elements(of: Int32.self) == [1, 3, 10, 12, 4, 10, 11, 12])
  }

  @Test func onePictureWithSeveralLabelsIsFound() throws {
    // Pictures 0 to 3, over and over; labels differ for pictures 1 and 3 only.
    let labels = ["a", "b", "c", "d", "a", "x", "c", "d", "a", "b", "c", "e", "a"]
    let dataset = try Dataset(width: 4, height: 2, channels: 1, count: labels.count) { index, pixels in
      for offset in pixels.indices { pixels[offset] = UInt8(index % 4 * 10 + offset) }
      return Sample(name: "\(index)", label: labels[index])
    }
    let found = try dataset.contradictorySamples(limit: 10)
    #expect(found.map { $0.map(\.name) } == [["1", "5", "9"], ["3", "7", "11"]])
    #expect(try dataset.contradictorySamples(limit: 1).count == 1)
    #expect(try dataset.subset([0, 1, 2, 9]).contradictorySamples(limit: 10).isEmpty)
  }

  @Test func readingsDecodeEachImage() throws {
    let codec = LabelCodec()
    let labels = ["a", "Zz9", "12345678"]
    var scores = [Float](repeating: 0.001, count: 3 * 504)
    for (row, label) in labels.enumerated() {
      for (position, index) in try codec.encode(label).enumerated() { scores[row * 504 + position * 63 + index] = 0.5 }
    }
    let readings = codec.readings(Tensor(scores, shape: [3, 8, 63]))
    #expect(readings.map(\.text) == labels)
    #expect(readings.allSatisfy { $0.confidence == 0.00390625 })
  }

  @Test func refusedLabelsAreNamed() throws {
    let codec = try LabelCodec(charset: .digits, maximumLength: 4)
    #expect(throws: LabelError.outsideCharset(label: "0ab", character: "a", position: 2)) {
      try dataset().encodedLabels(codec: codec)
    }
  }
}
