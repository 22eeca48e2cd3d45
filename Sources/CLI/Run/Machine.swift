import Foundation

/// What the program runs on and what it has taken of it.
enum Machine {
  /// The processor's name; nil where the system does not tell it.
  static var processor: String? {
    value(of: "model name", in: "/proc/cpuinfo", separator: ":")
  }

  /// The most memory that this process has held so far, in bytes, everything included.
  static var peakResidentBytes: Int {
    #if os(Linux)
      // Such as "VmHWM:   123456 kB".
      let text = value(of: "VmHWM", in: "/proc/self/status", separator: ":") ?? ""
      return (text.split(separator: " ").first.flatMap { Int($0) } ?? 0) << 10
    #else
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return Int(usage.ru_maxrss)
    #endif
  }

  private static func value(of key: String, in file: String, separator: Character) -> String? {
    let lines = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.first { $0.hasPrefix(key) }?
      .split(separator: separator, maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
  }
}
