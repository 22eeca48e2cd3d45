import Foundation

/// A line of a text file that holds more than white space.
struct TextLine: Sendable {
  /// From 1 on.
  let number: Int
  /// The line without its end; nil if it is longer than `TextLines.maximumLineLength`.
  let bytes: ArraySlice<UInt8>?
}

/// Reads text files block by block, so that a list of millions of lines takes little memory.
package enum TextLines {
  /// The most bytes of a file; a million lines of a manifest have about 120 million.
  static let maximumFileSize = 1 << 30
  /// The most bytes of a line.
  static let maximumLineLength = 1 << 20
  private static let blockSize = 4 << 20

  /// Calls `body` with the lines of the file in their order, many at once. A byte order mark at the start is left out.
  ///
  /// - Throws: `DatasetError.unreadableList` or what `body` throws.
  static func forEachBlock(of path: String, _ body: ([TextLine]) throws -> Void) throws {
    let file = try open(path)
    var block: [UInt8] = []
    var number = 1
    // Whether the start of the block is the rest of a line that was too long to be kept.
    var isInLongLine = false
    var isAtStart = true
    while true {
      let count = try append(to: &block, from: file)
      if isAtStart, block.starts(with: [0xEF, 0xBB, 0xBF]) { block.removeFirst(3) }
      isAtStart = false
      let newline = block.lastIndex(of: UInt8(ascii: "\n"))
      // The whole rest at the end of the file.
      guard let end = count == 0 ? block.count : newline else {
        // A line that fills a whole block is too long; only the fact is kept.
        if block.count > maximumLineLength {
          isInLongLine = true
          block.removeAll(keepingCapacity: true)
        }
        continue
      }
      var lines: [TextLine] = []
      for line in block[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if isInLongLine || line.count > maximumLineLength {
          lines.append(TextLine(number: number, bytes: nil))
        } else if line.contains(where: { !isWhiteSpace($0) }) {
          lines.append(TextLine(number: number, bytes: line.last == UInt8(ascii: "\r") ? line.dropLast() : line))
        }
        isInLongLine = false
        number += 1
      }
      try body(lines)
      if count == 0 { return }
      lines = []
      block.removeSubrange(...end)
    }
  }

  /// The whole file as text, without a byte order mark.
  ///
  /// - Throws: `DatasetError.unreadableList`.
  package static func text(of path: String) throws -> String {
    let file = try open(path)
    let bytes: [UInt8]
    do {
      bytes = try file.bytes(maximum: maximumFileSize)
    } catch let error as ImageError {
      throw DatasetError.unreadableList(file: path, reason: error.detail)
    }
    if let text = String(validating: bytes, as: UTF8.self) { return text.withoutByteOrderMark }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let number = (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    throw DatasetError.unreadableList(file: path, reason: "line \(number) is not UTF-8 text")
  }

  private static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private static func open(_ path: String) throws -> RegularFile {
    do {
      let file = try RegularFile(path)
      if file.size > maximumFileSize {
        throw ImageError.fileTooLarge(file: path, bytes: file.size, maximum: maximumFileSize)
      }
      return file
    } catch let error as ImageError {
      throw DatasetError.unreadableList(file: path, reason: error.detail)
    }
  }

  /// Reads up to a block more; returns how many bytes came, 0 at the end of the file.
  private static func append(to block: inout [UInt8], from file: RegularFile) throws -> Int {
    let old = block.count
    // One byte more than a small file has, so that its end is seen at the second reading.
    let size = min(blockSize, file.size + 1)
    block.append(contentsOf: repeatElement(0, count: size))
    do {
      let count = try block.withUnsafeMutableBytes { buffer in
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[old...]))
      }
      block.removeLast(size - count)
      return count
    } catch let error as ImageError {
      throw DatasetError.unreadableList(file: file.path, reason: error.detail)
    }
  }
}

extension ImageError {
  /// What is wrong, for a sentence that says already that a file can't be read.
  fileprivate var detail: String {
    if case .unreadable(_, let reason) = self { reason } else { reason }
  }
}

extension String {
  /// The text without the mark that some editors put before UTF-8.
  package var withoutByteOrderMark: String {
    unicodeScalars.first == "\u{FEFF}" ? String(unicodeScalars.dropFirst()) : self
  }
}
