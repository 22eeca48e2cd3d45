import Foundation
import Tensor

/// How long and in what portions a model trains.
public struct TrainingOptions: Sendable, Hashable, Codable {
  /// The number of times that the whole training part is seen, at most.
  public var epochs: Int
  /// Images per step.
  public var batchSize: Int
  /// Images per step where nothing is trained; nil for the training's batch size.
  public var evaluationBatchSize: Int?
  /// Determines the order of the images and dropout; the initial weights are drawn by `Layer.initialize(seed:)`.
  public var seed: UInt64
  /// How the factors of dense layers, convolutions and LSTMs are taken in training; evaluation always takes float32.
  public var precision: ArithmeticPrecision
  /// How many batches are made ahead of the step that needs them; 0 makes each when it is needed. Changes no result.
  public var prefetch: Int

  public init(
    epochs: Int, batchSize: Int, evaluationBatchSize: Int? = nil, seed: UInt64 = 42,
    precision: ArithmeticPrecision = .float32, prefetch: Int = 2
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.evaluationBatchSize = evaluationBatchSize
    self.seed = seed
    self.precision = precision
    self.prefetch = prefetch
  }
}

/// Why a training cannot start or go on, in one line that names the file or key and the remedy.
public struct TrainingError: Error, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }

  public init(_ description: String) { self.description = description }
}
