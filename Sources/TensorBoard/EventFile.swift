import Callbacks
import Foundation
import SwiftProtobuf

/// An event file that grows; every event is on its way to the disk when the call returns.
struct EventFile {
  private static let prefix = "events.out.tfevents."

  let url: URL
  private let handle: FileHandle
  private let now: () -> Date

  /// Makes a file in a folder, and the folder where there is none.
  ///
  /// - Parameters:
  ///   - firstStep: what earlier files of the folder say of this step and later ones is void.
  ///   - now: tells the time.
  init(in folder: URL, firstStep: Int, now: @escaping () -> Date) throws {
    self.now = now
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      url = folder.appendingPathComponent(try Self.name(in: folder, at: now()))
    } catch {
      throw EventSinkError(file: folder.path, reason: error.localizedDescription)
    }
    do {
      try Foundation.Data().write(to: url, options: .withoutOverwriting)
      handle = try FileHandle(forWritingTo: url)
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
    try append(step: 0, .fileVersion("brain.Event:2"))
    try append(step: firstStep, .sessionLog(.with { $0.status = .start }))
  }

  /// TensorBoard reads the files of a folder in the order of their names, so that the time in this one must be later
  /// than that of every file which is there, whatever the clock says.
  private static func name(in folder: URL, at time: Date) throws -> String {
    let earlier = try FileManager.default.contentsOfDirectory(atPath: folder.path).compactMap { name in
      name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).prefix { $0 != "." }) : nil
    }
    // Ten digits, which names are compared by: until the year 2286. What is later is no time.
    let latest = earlier.filter { (0..<9_999_999_999).contains($0) }.max()
    let seconds = max(Int(time.timeIntervalSince1970), latest.map { $0 + 1 } ?? 0)
    let digits = String(String(10_000_000_000 + seconds).suffix(10))
    return prefix + digits + ".\(hostName).\(ProcessInfo.processInfo.processIdentifier)"
  }

  /// The machine's name, without asking the network for it.
  private static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    let name = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: name, as: UTF8.self).replacing("/", with: "-")
  }

  /// Writes values of one step; nothing where there are none.
  func append(step: Int, _ values: [Tensorboard_Summary.Value]) throws {
    if !values.isEmpty { try append(step: step, .summary(.with { $0.value = values })) }
  }

  private func append(step: Int, _ what: Tensorboard_Event.OneOf_What) throws {
    let event = Tensorboard_Event.with {
      $0.wallTime = now().timeIntervalSince1970
      $0.step = Int64(step)
      $0.what = what
    }
    do {
      try handle.write(contentsOf: RecordFraming.framed(try event.serializedBytes()))
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
  }
}
