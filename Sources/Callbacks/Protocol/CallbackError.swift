import Foundation

/// Why a list of callbacks can't be used, in one line that names the callback, the value and the remedy.
public enum CallbackError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// An argument's value makes no sense.
  case invalidArgument(callback: String, argument: String, value: String, remedy: String)
  /// The callback needs a metric that nothing before it reports.
  case unknownMetric(callback: String, metric: MetricKey, available: [MetricKey])
  /// A schedule gives a learning rate that is negative, NaN or infinite; `place` is the epoch or step, counted from 0.
  case unusableRate(callback: String, rate: String, place: String)
  /// One callback undoes what another does.
  case conflict(first: String, second: String, reason: String)
  /// A batch came to NaN or infinity, and the callback is to end the training then; the step counts from 0.
  case nonFinite(callback: String, step: Int, fault: String)
  /// A saved state can't be read.
  case unreadableState(callback: String, reason: String)
  /// The saved state belongs to another list of callbacks.
  case otherCallbacks(saved: [String], present: [String])

  public var description: String {
    switch self {
    case .invalidArgument(let callback, let argument, let value, let remedy):
      return "callback \(callback): \(argument) is \(value); \(remedy)"
    case .unknownMetric(let callback, let metric, let available):
      let names = available.map(\.rawValue).joined(separator: ", ")
      return "callback \(callback): nothing reports the metric \"\(metric)\"; choose one of: \(names)"
    case .unusableRate(let callback, let rate, let place):
      return "callback \(callback): the learning rate for \(place), counted from 0, is \(rate); change the schedule so "
        + "that every rate is a finite number of at least 0"
    case .conflict(let first, let second, let reason):
      return "callbacks \(first) and \(second): \(reason); remove one of them or change its arguments"
    case .nonFinite(let callback, let step, let fault):
      return "callback \(callback): step \(step + 1): \(fault); lower the learning rate or clip the gradients"
    case .unreadableState(let callback, let reason):
      return "callback \(callback): its saved state can't be read (\(reason)); start without resuming"
    case .otherCallbacks(let saved, let present):
      return "the saved run has the callbacks \(saved.joined(separator: ", ")) and this one "
        + "\(present.joined(separator: ", ")); resume with the same list or start anew"
    }
  }

  public var errorDescription: String? { description }
}

extension Callback {
  /// Refuses the value of an argument unless a condition holds.
  func require(
    _ condition: Bool, _ argument: String, _ value: some CustomStringConvertible, _ remedy: String
  ) throws {
    guard condition else {
      throw CallbackError.invalidArgument(callback: name, argument: argument, value: "\(value)", remedy: remedy)
    }
  }

  func requirePositive(_ argument: String, _ value: Double) throws {
    try require(value > 0 && value.isFinite, argument, value, "give a positive number")
    // The optimizer has Floats.
    try require(Float(value).isFinite, argument, value, "give a smaller number")
  }

  func requireShare(_ argument: String, _ value: Double) throws {
    try require((0...1).contains(value), argument, value, "give a number from 0 to 1")
  }
}
