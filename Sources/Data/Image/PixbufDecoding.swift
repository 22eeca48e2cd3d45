extension PixbufLibrary {
  /// Decodes the bytes of a JPEG, GIF or BMP file; `name` is what errors call it.
  ///
  /// - Returns: the image in colour.
  /// - Throws: `ImageError`.
  func decode(_ bytes: [UInt8], format: ImageFormat, named name: String, limits: ImageLimits) throws -> Image {
    func damaged(_ reason: String) -> ImageError {
      // Some messages have several lines.
      .corrupt(file: name, format: format, reason: reason.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
    func tooLarge(_ width: Int, _ height: Int) -> ImageError {
      .tooLarge(
        file: name, width: width, height: height, maximumWidth: limits.maximumWidth,
        maximumHeight: limits.maximumHeight)
    }
    if format == .jpeg, let reason = JPEGScans.fault(in: bytes) { throw damaged(reason) }
    if format == .gif, let frame = GIFFrames.frame(in: bytes, largerThan: limits) {
      throw tooLarge(frame.width, frame.height)
    }

    let (created, creationMessage) = withFailure { newLoader(format.rawValue, $0) }
    guard let loader = created else {
      throw ImageError.missingLibrary(
        file: name, format: format, reason: creationMessage ?? "gdk-pixbuf has no loader for it")
    }
    defer { release(loader) }
    let decoding = PixbufDecoding(limits: limits, setSize: setSize)
    let context = Unmanaged.passUnretained(decoding).toOpaque()
    _ = connect(loader, "size-prepared", PixbufDecoding.sizePrepared, context, nil, 0)
    _ = connect(loader, "area-updated", PixbufDecoding.areaUpdated, context, nil, 0)
    let (written, writeMessage) = withFailure { failure in
      bytes.withUnsafeBufferPointer { write(loader, $0.baseAddress, $0.count, failure) }
    }
    // Also after a failure: a loader must be closed before it is released.
    let (closed, closeMessage) = withFailure { closeLoader(loader, $0) }
    if let (width, height) = decoding.refused { throw tooLarge(width, height) }
    guard written != 0, closed != 0 else { throw damaged(writeMessage ?? closeMessage ?? "it can't be decoded") }
    guard let image = pixbuf(loader), let source = pixels(image) else { throw damaged("it holds no image") }
    let (width, height, channels) = (Int(width(image)), Int(height(image)), Int(channels(image)))
    guard width > 0, height > 0, channels == 3 || channels == 4 else { throw damaged("it holds no image") }
    if width > limits.maximumWidth || height > limits.maximumHeight { throw tooLarge(width, height) }
    // gdk-pixbuf is content with JPEG and BMP files that end early, whose last rows then hold anything.
    if format != .gif, !decoding.hasEveryRow(height) { throw damaged("the file ends early") }
    return withExtendedLifetime(decoding) {
      Image(width: width, height: height, channels: channels, rowStride: Int(rowStride(image)), blendingRows: source)
    }
  }
}

/// What gdk-pixbuf's signals tell while it decodes one file.
private final class PixbufDecoding {
  private let limits: ImageLimits
  private let setSize: @convention(c) (PixbufLibrary.Loader, Int32, Int32) -> Void
  /// The size of an image that is larger than the limits.
  private(set) var refused: (width: Int, height: Int)?
  private var isRowDecoded: [Bool] = []

  init(limits: ImageLimits, setSize: @escaping @convention(c) (PixbufLibrary.Loader, Int32, Int32) -> Void) {
    self.limits = limits
    self.setSize = setSize
  }

  func hasEveryRow(_ height: Int) -> Bool { isRowDecoded.count == height && isRowDecoded.allSatisfy { $0 } }

  /// The handler of "size-prepared", which comes before memory is taken for the pixels; a size of zero ends the decoding.
  static var sizePrepared: UnsafeRawPointer {
    let handler: @convention(c) (PixbufLibrary.Loader, Int32, Int32, UnsafeRawPointer) -> Void = {
      loader, width, height, context in
      let decoding = Unmanaged<PixbufDecoding>.fromOpaque(context).takeUnretainedValue()
      let (columns, rows) = (Int(width), Int(height))
      if columns > decoding.limits.maximumWidth || rows > decoding.limits.maximumHeight {
        decoding.refused = (columns, rows)
        decoding.setSize(loader, 0, 0)
      } else {
        decoding.isRowDecoded = [Bool](repeating: false, count: max(rows, 0))
      }
    }
    return unsafeBitCast(handler, to: UnsafeRawPointer.self)
  }

  /// The handler of "area-updated", which tells the pixels that were decoded.
  static var areaUpdated: UnsafeRawPointer {
    let handler: @convention(c) (PixbufLibrary.Loader, Int32, Int32, Int32, Int32, UnsafeRawPointer) -> Void = {
      _, _, y, _, height, context in
      let decoding = Unmanaged<PixbufDecoding>.fromOpaque(context).takeUnretainedValue()
      let end = min(Int(y) + Int(height), decoding.isRowDecoded.count)
      for row in stride(from: max(Int(y), 0), to: end, by: 1) { decoding.isRowDecoded[row] = true }
    }
    return unsafeBitCast(handler, to: UnsafeRawPointer.self)
  }
}
