import Foundation

/// The memory that a program may still take without harm to others.
public enum AvailableMemory {
  /// In bytes: what the machine has, or the rest of the program's control group (as of a container) where that is less; nil
  /// where the system does not say.
  public static var bytes: Int? {
    func text(_ path: String) -> String? {
      guard let file = FileHandle(forReadingAtPath: path), let content = try? file.readToEnd() else { return nil }
      return String(decoding: content, as: UTF8.self)
    }
    let group = "/sys/fs/cgroup/memory"
    return [
      text("/proc/meminfo").flatMap(bytes(meminfo:)),
      bytes(limit: text("\(group).max"), current: text("\(group).current"), statistics: text("\(group).stat")),
    ].compactMap { $0 }.min()
  }

  /// The number in the line `MemAvailable:  16384 kB` of Linux's `/proc/meminfo`.
  static func bytes(meminfo: String) -> Int? { number("MemAvailable:", in: meminfo).map { $0 * 1024 } }

  /// The rest of a control group, in which cached files that were not used of late count as free; nil without a limit.
  ///
  /// - Parameters: the texts of `memory.max`, `memory.current` and `memory.stat`.
  static func bytes(limit: String?, current: String?, statistics: String?) -> Int? {
    guard let limit = limit.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }),
      let current = current.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
    else { return nil }
    let cached = statistics.flatMap { number("inactive_file", in: $0) } ?? 0
    return max(0, limit - max(0, current - cached))
  }

  /// The number behind `key` in a text of lines.
  private static func number(_ key: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first.map(String.init) == key { return words.dropFirst().first.flatMap { Int($0) } }
    }
    return nil
  }
}
