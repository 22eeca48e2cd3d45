import Foundation

/// The system's gdk-pixbuf, which reads JPEG, GIF and BMP images; loaded when the first of them is read, so that neither the
/// build nor those who have PNG images only need it.
///
/// Source: https://docs.gtk.org/gdk-pixbuf/class.PixbufLoader.html
///
/// The functions are looked up once and never change, and gdk-pixbuf allows several loaders at once; hence safe to share.
final class PixbufLibrary: @unchecked Sendable {
  /// Why the library can't be used.
  struct Unavailable: Error, Equatable {
    let reason: String
  }

  /// The one that the system's linker finds.
  static let system = Result<PixbufLibrary, Unavailable> {
    () throws(Unavailable) in try PixbufLibrary(path: "libgdk_pixbuf-2.0.so.0")
  }

  typealias Loader = OpaquePointer
  typealias Pixbuf = OpaquePointer
  /// A `GError`: a 32-bit domain, a 32-bit code and the message.
  typealias Failure = UnsafeMutableRawPointer
  typealias FailurePointer = UnsafeMutablePointer<Failure?>

  let newLoader: @convention(c) (UnsafePointer<CChar>, FailurePointer?) -> Loader?
  let write: @convention(c) (Loader, UnsafePointer<UInt8>?, Int, FailurePointer?) -> Int32
  let closeLoader: @convention(c) (Loader, FailurePointer?) -> Int32
  let setSize: @convention(c) (Loader, Int32, Int32) -> Void
  let pixbuf: @convention(c) (Loader) -> Pixbuf?
  let width: @convention(c) (Pixbuf) -> Int32
  let height: @convention(c) (Pixbuf) -> Int32
  let rowStride: @convention(c) (Pixbuf) -> Int32
  let channels: @convention(c) (Pixbuf) -> Int32
  let pixels: @convention(c) (Pixbuf) -> UnsafePointer<UInt8>?
  let connect:
    @convention(c) (
      Loader, UnsafePointer<CChar>, UnsafeRawPointer, UnsafeMutableRawPointer?, UnsafeRawPointer?, Int32
    ) -> UInt
  let release: @convention(c) (Loader) -> Void
  let freeFailure: @convention(c) (Failure) -> Void
  /// Such as `2.42.10`.
  let version: String

  /// - Parameter path: a file, or a name that the system's linker looks up.
  /// - Throws: `Unavailable` if it is not there or misses a function.
  init(path: String) throws(Unavailable) {
    // Never closed: GLib's types stay registered as long as the process runs.
    guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw Unavailable(reason: dlerror().map { String(cString: $0) } ?? "\(path) can't be loaded")
    }
    // Also finds what lies in the libraries that this one needs, GObject and GLib.
    func symbol(_ name: String) throws(Unavailable) -> UnsafeMutableRawPointer {
      guard let symbol = dlsym(library, name) else { throw Unavailable(reason: "\(path) has no function \(name)") }
      return symbol
    }
    func function<Function>(_ name: String, as type: Function.Type = Function.self) throws(Unavailable) -> Function {
      unsafeBitCast(try symbol(name), to: type)
    }
    newLoader = try function("gdk_pixbuf_loader_new_with_type")
    write = try function("gdk_pixbuf_loader_write")
    closeLoader = try function("gdk_pixbuf_loader_close")
    setSize = try function("gdk_pixbuf_loader_set_size")
    pixbuf = try function("gdk_pixbuf_loader_get_pixbuf")
    width = try function("gdk_pixbuf_get_width")
    height = try function("gdk_pixbuf_get_height")
    rowStride = try function("gdk_pixbuf_get_rowstride")
    channels = try function("gdk_pixbuf_get_n_channels")
    pixels = try function("gdk_pixbuf_get_pixels")
    connect = try function("g_signal_connect_data")
    release = try function("g_object_unref")
    freeFailure = try function("g_error_free")
    let text = try symbol("gdk_pixbuf_version").assumingMemoryBound(to: UnsafePointer<CChar>?.self).pointee
    version = text.map { String(cString: $0) } ?? "unknown"
    try silence(function("g_log_set_handler"))
  }

  /// Whether the library has a loader for the format; it may come in a package of its own.
  func canRead(_ format: ImageFormat) -> Bool {
    guard let loader = newLoader(format.rawValue, nil) else { return false }
    // The error says that no image was written.
    _ = closeLoader(loader, nil)
    release(loader)
    return true
  }

  /// Calls `body` with a place for a failure, and returns its result and the failure's message.
  func withFailure<Result>(_ body: (FailurePointer) -> Result) -> (result: Result, message: String?) {
    var failure: Failure?
    let result = body(&failure)
    guard let failure else { return (result, nil) }
    defer { freeFailure(failure) }
    let message = failure.load(fromByteOffset: 8, as: UnsafePointer<CChar>?.self)
    return (result, message.map { String(cString: $0) } ?? "unknown error")
  }

  private typealias LogHandler =
    @convention(c) (UnsafePointer<CChar>?, Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void

  /// Damaged images make gdk-pixbuf print warnings on standard error, besides the errors that it returns.
  private func silence(
    _ setHandler: @convention(c) (UnsafePointer<CChar>?, Int32, LogHandler, UnsafeMutableRawPointer?) -> UInt32
  ) {
    let warnings: Int32 = 1 << 3 | 1 << 4  // G_LOG_LEVEL_CRITICAL and G_LOG_LEVEL_WARNING
    _ = setHandler("GdkPixbuf", warnings, { _, _, _, _ in }, nil)
  }
}
