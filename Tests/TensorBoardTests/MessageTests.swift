import Foundation
import Tensor
import Testing

@testable import TensorBoard

/// Events as TensorBoard's own message classes (tensorboard 2.21, Python) serialise them.
@Suite struct MessageTests {
  private func hexadecimal(_ value: Tensorboard_Summary.Value) throws -> String {
    try hexadecimal { $0.summary.value = [value] }
  }

  private func hexadecimal(_ fill: (inout Tensorboard_Event) -> Void) throws -> String {
    var event = Tensorboard_Event()
    event.wallTime = 12.5
    event.step = 3
    fill(&event)
    let bytes: [UInt8] = try event.serializedBytes()
    return bytes.map { String(format: "%02x", $0) }.joined()
  }

  @Test func scalar() throws {
    #expect(
      try hexadecimal(.scalar("loss/loss", 0.25))
        == "09000000000000294010032a120a100a096c6f73732f6c6f7373150000803e")
  }

  @Test func text() throws {
    #expect(
      try hexadecimal(.text("note", "hi"))
        == "09000000000000294010032a1c0a1a0a046e6f7465420808071200420268694a080a060a0474657874")
  }

  @Test func histogram() throws {
    let value = Tensorboard_Summary.Value.with {
      $0.tag = "w"
      $0.histo = .with {
        ($0.min, $0.max, $0.num, $0.sum, $0.sumSquares) = (-1, 2, 3, 1.5, 5)
        $0.bucketLimit = [0, 2]
        $0.bucket = [1, 2]
      }
    }
    #expect(
      try hexadecimal(value)
        == "09000000000000294010032a580a560a01772a5109000000000000f0bf110000000000000040190000000000000840210000"
        + "00000000f83f2900000000000014403210000000000000000000000000000000403a10000000000000f03f0000000000000040")
  }

  @Test func image() throws {
    let value = Tensorboard_Summary.Value.with {
      $0.tag = "im"
      $0.image = .with {
        ($0.height, $0.width, $0.colorspace) = (2, 3, 1)
        $0.encodedImageString = Data("png".utf8)
      }
    }
    #expect(try hexadecimal(value) == "09000000000000294010032a130a110a02696d220b0802100318012203706e67")
  }

  @Test func start() throws {
    #expect(
      try hexadecimal {
        $0.step = 4
        $0.sessionLog.status = .start
      } == "09000000000000294010043a020801")
  }
}
