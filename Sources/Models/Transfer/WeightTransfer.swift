import Data
import Foundation
import Layers
import Tensor

/// Starts a model from the weights of another, which may have another charset, length, head or architecture.
///
/// ```swift
/// model.initialize(seed: 42)
/// let transfer = try WeightTransfer(contentsOf: url, to: configuration)
/// print(transfer.apply(to: model).lines.joined(separator: "\n"))
/// ```
/// A parameter of equal path and shape is taken. Of an output layer for another charset or length the columns of those
/// characters are taken that both models know, by positions at each position that both have, and those of the padding or
/// blank. Everything else keeps the values that were drawn.
public struct WeightTransfer: Sendable {
  public let report: TransferReport
  /// What is copied to which parameter of the model.
  private let copies: [String: Copy]

  private struct Copy {
    let source: Tensor
    /// By column of the last axis of the target the column of the source; nil for the whole as it is.
    let columns: [Int?]?
  }

  /// - Parameters:
  ///   - url: a model file.
  ///   - target: the model that is to be started.
  /// - Throws: an error that names the file where it is no model file, or where nothing of it could be taken.
  public init(contentsOf url: URL, to target: ModelConfiguration) throws {
    let file = url.relativePath
    let content = try Safetensors(contentsOf: url)
    let source = try ModelDescription(metadata: content.metadata, file: file).configuration
    do { try content.requireFiniteWeights() } catch { throw ModelError("\(file): \(error)") }
    let columns = try OutputColumns(from: source, to: target)
    var copies: [String: Copy] = [:]
    var entries: [TransferReport.Entry] = []
    let parameters = try ModelZoo.model(target).namedParameters
    let outputs = parameters.filter { $0.name.hasPrefix("\(ModelBuilder.outputName)/") }
    // Of other inputs a column would say nothing, nor would a bias without its column.
    let fits = outputs.allSatisfy { content.tensors[$0.name]?.shape == columns.sourceShape($0.parameter.shape) }
    for item in parameters {
      let shape = item.parameter.shape
      func note(_ fate: TransferReport.Fate, _ detail: String) {
        entries.append(TransferReport.Entry(name: item.name, shape: shape, fate: fate, detail: detail))
      }
      guard let tensor = content.tensors[item.name] else {
        note(.drawnAnew, "the file has none")
        continue
      }
      guard tensor.dtype == .float32 else {
        note(.drawnAnew, "the file has \(tensor.dtype.rawValue)")
        continue
      }
      if item.name.hasPrefix("\(ModelBuilder.outputName)/") {
        if let difference = columns.difference, columns.map == nil {
          note(.drawnAnew, difference)
          continue
        }
        guard fits else {
          let isOther = tensor.shape != columns.sourceShape(shape)
          note(.drawnAnew, isOther ? "the file has \(tensor.shape)" : "the rest of the layer does not fit")
          continue
        }
        if let difference = columns.difference, let map = columns.map {
          copies[item.name] = Copy(source: tensor, columns: map)
          note(map.contains(nil) ? .partlyTaken : .taken, difference)
          continue
        }
      }
      if tensor.shape == shape {
        copies[item.name] = Copy(source: tensor, columns: nil)
        note(.taken, "")
      } else {
        note(.drawnAnew, "the file has \(tensor.shape)")
      }
    }
    let known = Set(parameters.map(\.name))
    for (name, tensor) in content.tensors.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
      entries.append(TransferReport.Entry(name: name, shape: tensor.shape, fate: .notUsed, detail: ""))
    }
    guard !copies.isEmpty else {
      func text(_ model: ModelConfiguration) -> String {
        model.architecture + (model.givenSizes.map { " with \($0)" } ?? "")
      }
      throw ModelError(
        "\(file): none of its weights fit the model (\(text(source)) there, \(text(target)) here); use its architecture and "
          + "sizes, or start without it")
    }
    self.copies = copies
    report = TransferReport(file: file, entries: entries)
  }

  /// Puts the weights into a model of the configuration that the transfer was made for; what is not taken stays.
  @discardableResult
  public func apply(to model: any Layer) -> TransferReport {
    for item in model.namedParameters {
      guard let copy = copies[item.name] else { continue }
      guard let columns = copy.columns else {
        item.parameter.value = copy.source
        continue
      }
      let (width, sourceWidth) = (columns.count, copy.source.shape[-1])
      item.parameter.value.withMutableElements(of: Float.self) { target in
        copy.source.withElements(of: Float.self) { source in
          for row in 0..<target.count / width {
            for (column, from) in columns.enumerated() {
              if let from { target[row * width + column] = source[row * sourceWidth + from] }
            }
          }
        }
      }
    }
    return report
  }
}

/// Which columns of two output layers stand for the same.
private struct OutputColumns {
  /// By column of the target's output layer the column of the source's, nil where there is none; nil where the layers stand
  /// for different things altogether.
  let map: [Int?]?
  /// What the layers have in common and what not; nil where they stand for exactly the same.
  let difference: String?
  private let sourceCount: Int

  init(from source: ModelConfiguration, to target: ModelConfiguration) throws {
    let heads = (source: try ModelZoo.head(source), target: try ModelZoo.head(target))
    let (old, new) = (source.codec, target.codec)
    guard heads.source == heads.target else {
      (map, sourceCount) = (nil, 0)
      difference = "the file's outputs are by \(heads.source.rawValue)"
      return
    }
    let byPosition = heads.target == .positions
    let classes = new.charset.characters.map { old.charset.index(of: $0) } + [old.paddingIndex]
    sourceCount = byPosition ? old.outputCount : old.classCount
    map =
      byPosition
      ? (0..<new.maximumLength).flatMap { position in
        classes.map { position < old.maximumLength ? $0.map { position * old.classCount + $0 } : nil }
      } : classes
    let sameLength = old.maximumLength == new.maximumLength || !byPosition
    difference =
      old.charset == new.charset && sameLength ? nil : Self.difference(old, new, byPosition: byPosition)
  }

  /// The shape of the source's parameter for that of the target's.
  func sourceShape(_ target: Shape) -> Shape { Shape(target.dimensions.dropLast() + [sourceCount]) }

  private static func difference(_ old: LabelCodec, _ new: LabelCodec, byPosition: Bool) -> String {
    func quoted(_ characters: [Character]) -> String { "\"\(String(characters))\"" }
    let common = new.charset.characters.filter { old.charset.index(of: $0) != nil }
    let added = new.charset.characters.filter { old.charset.index(of: $0) == nil }
    let lost = old.charset.characters.filter { new.charset.index(of: $0) == nil }
    let nothing = byPosition ? "the padding" : "the blank"
    var text = "taken \(common.isEmpty ? "" : quoted(common) + " and ")\(nothing)"
    if byPosition { text += " at \(positions(0..<min(old.maximumLength, new.maximumLength)))" }
    if !added.isEmpty { text += "; drawn anew \(quoted(added))" }
    if byPosition, new.maximumLength > old.maximumLength {
      text += "\(added.isEmpty ? "; drawn anew" : " and") \(positions(old.maximumLength..<new.maximumLength))"
    }
    if !lost.isEmpty { text += "; not used \(quoted(lost))" }
    if byPosition, old.maximumLength > new.maximumLength {
      text += "\(lost.isEmpty ? "; not used" : " and") \(positions(new.maximumLength..<old.maximumLength))"
    }
    return text
  }

  private static func positions(_ range: Range<Int>) -> String {
    range.count == 1 ? "position \(range.upperBound)" : "positions \(range.lowerBound + 1) to \(range.upperBound)"
  }
}
