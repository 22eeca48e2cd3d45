import Callbacks
import Foundation

extension TrainingOutcome {
  /// Why a training ended, in words that complete "ended because"; what `stopped_because` says.
  var reason: String {
    switch self {
    case .completed: "all epochs are done"
    case .failed(let description): "of an error: \(description)"
    case .stopped(.noImprovement(let monitor, let patience, _, _)):
      "\(monitor) has not improved for \(patience) \(patience == 1 ? "epoch" : "epochs")"
    case .stopped(.nonFinite(let fault)): fault
    case .stopped(.timeBudget(let seconds)):
      "the \(seconds.formatted(.number.grouping(.never))) s for the run are used up"
    case .stopped(.interrupted): "interrupted"
    case .stopped(.other(let text)): text
    }
  }
}
