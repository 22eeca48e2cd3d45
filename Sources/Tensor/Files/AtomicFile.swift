import Foundation

/// Files that are replaced in one step: a crash leaves the earlier content or the new one, never half of one.
public enum AtomicFile {
  /// Writes a file beside its place, flushes it to the disk and renames it; it keeps the permissions of the earlier file,
  /// but that its owner may read and write it.
  ///
  /// - Parameters:
  ///   - replaces: whether it may take the place of an earlier file; else what is there, be it a link to nothing, is an error.
  ///   - content: writes everything to the handle.
  /// - Throws: what `content` throws, or the system's error, which is `POSIXError.EEXIST` for what may not be replaced; the
  ///   earlier file is then untouched.
  public static func write(to url: URL, replaces: Bool = true, content: (FileHandle) throws -> Void) throws {
    // Two writers of one file, in this process or two, must not share the file that is written first.
    let temporary = url.deletingLastPathComponent().appendingPathComponent(
      ".\(UUID().uuidString)\(suffix)")
    do {
      try Data().write(to: temporary)
      let handle = try FileHandle(forWritingTo: temporary)
      do {
        // Before there is content that others may not read. Where the disk knows no permissions, content matters more.
        var earlier = stat()
        if stat(url.path, &earlier) == 0 { fchmod(handle.fileDescriptor, earlier.st_mode & 0o777 | 0o600) }
        try content(handle)
        try handle.synchronize()
        try handle.close()
      } catch {
        try? handle.close()
        throw error
      }
      if !replaces {
        // A second name is not given where there is something of that name already.
        if link(temporary.path, url.path) == 0 { return try FileManager.default.removeItem(at: temporary) }
        let error = POSIXErrorCode(rawValue: errno) ?? .EIO
        guard [.EPERM, .EOPNOTSUPP, .ENOSYS].contains(error) else { throw POSIXError(error) }
        // A file system without links: the name is taken first.
        let place = open(url.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard place >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        close(place)
      }
      guard rename(temporary.path, url.path) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
  }

  private static let suffix = ".partial"

  /// Removes files that writers which were killed have left in a folder.
  ///
  /// - Parameter isLeft: whether nobody is writing the file any more; without it, nobody may be writing in the folder.
  public static func removeLeftovers(in folder: URL, where isLeft: (URL) -> Bool = { _ in true }) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names
    where name.hasPrefix(".") && name.hasSuffix(suffix)
      && UUID(uuidString: String(name.dropFirst().dropLast(suffix.count))) != nil
    {
      let file = folder.appendingPathComponent(name)
      if isLeft(file) { try? FileManager.default.removeItem(at: file) }
    }
  }
}
