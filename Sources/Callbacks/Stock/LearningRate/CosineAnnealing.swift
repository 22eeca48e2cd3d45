import Foundation

/// Half a cosine between two rates: slow at both ends, steepest in the middle.
enum CosineAnnealing {
  /// `end + (start − end)·(cos(π·share) + 1)/2`; `share` runs from 0 to 1.
  static func rate(from start: Double, to end: Double, share: Double) -> Double {
    end + (start - end) / 2 * (cos(.pi * share) + 1)
  }
}
