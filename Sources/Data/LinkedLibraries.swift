import CFreeType
import CPNGCodec

/// The versions of the system's libraries that images are read and drawn with, for reports.
public enum LinkedLibraries {
  /// Such as `1.6.39`.
  public static var libpng: String { String(cString: png_codec_library_version()) }

  /// Such as `2.42.10`; nil where gdk-pixbuf is not installed, and only PNG images can be read.
  public static var gdkPixbuf: String? { try? PixbufLibrary.system.get().version }

  /// Such as `2.12.1`; nil where FreeType cannot be started.
  public static var freeType: String? {
    var library: FT_Library?
    guard FT_Init_FreeType(&library) == 0, let library else { return nil }
    var (major, minor, patch): (FT_Int, FT_Int, FT_Int) = (0, 0, 0)
    FT_Library_Version(library, &major, &minor, &patch)
    // Nothing could be done about an error here.
    _ = FT_Done_FreeType(library)
    return "\(major).\(minor).\(patch)"
  }
}
