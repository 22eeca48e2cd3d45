extension Tensor {
  /// Tensors side by side along the last axis: [..., A], [..., B], … → [..., A + B + …].
  ///
  /// Gradient: each gets its own columns of dy.
  public static func concatenated(_ tensors: [Tensor]) -> Tensor {
    precondition(!tensors.isEmpty, "concatenated: there are no tensors")
    for tensor in tensors {
      tensor.requireFloat("concatenated")
      precondition(
        tensor.shape.rank > 0 && tensor.shape.dimensions.dropLast() == tensors[0].shape.dimensions.dropLast(),
        "concatenated: \(tensors[0].shape) and \(tensor.shape) differ in more than the last axis")
    }
    let shapes = tensors.map(\.shape)
    let value = tensors[0].device.backend.concatenation(tensors.map(\.detached))
    return tracked(value, from: tensors, operation: "concatenated") { dy in
      var first = 0
      return shapes.map { shape in
        defer { first += shape[-1] }
        return dy.device.backend.columns(first..<first + shape[-1], of: dy)
      }
    }
  }
}
