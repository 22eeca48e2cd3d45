import Callbacks
import Foundation
import PluginConfiguration

/// The rates that Keras and PyTorch give; the fixture's script says what each field is.
struct ScheduleFixtures: Decodable, Sendable {
  struct Schedule: Decodable, Sendable {
    let name: String
    let arguments: [String: ConfigurationValue]
    let keras: [Float]
    let exact: [Double]
    let moved: [Int]
  }

  struct Fit: Decodable, Sendable {
    let name: String
    let arguments: [String: ConfigurationValue]
    let epochs: Int
    let batches: Int
    let keras: [Float]
  }

  struct Scheduler: Decodable, Sendable {
    let closure: String
    let learningRate: Float
    let given: [Float]
    let during: [Float]
    let logged: [Float]

    enum CodingKeys: String, CodingKey {
      case closure, given, during, logged
      case learningRate = "learning_rate"
    }
  }

  struct Cycle: Decodable, Sendable {
    let arguments: [String: ConfigurationValue]
    let torch: [Double]
  }

  let schedules: [Schedule]
  let fits: [Fit]
  let schedulers: [Scheduler]
  let oneCycle: [Cycle]

  enum CodingKeys: String, CodingKey {
    case schedules, fits, schedulers
    case oneCycle = "one_cycle"
  }

  static func load() throws -> ScheduleFixtures {
    let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/schedules/schedules.json")
    return try JSONDecoder().decode(ScheduleFixtures.self, from: Foundation.Data(contentsOf: url))
  }

  /// The schedule that a configuration with this name and these arguments makes.
  static func schedule(_ name: String, _ arguments: [String: ConfigurationValue]) throws -> any StepSchedule {
    let callback = try CallbackRegistry.standard.makeCallback(ComponentConfiguration(name, arguments))
    guard let schedule = callback as? any StepSchedule else {
      throw CallbackError.unreadableState(callback: name, reason: "not a schedule")
    }
    return schedule
  }
}
