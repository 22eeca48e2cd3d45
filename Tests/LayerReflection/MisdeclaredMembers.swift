import Layers
import Tensor

/// What is wrong with a layer's lists of parameters and children, and with those of the layers inside it; empty if
/// nothing is.
///
/// `Mirror` walks through everything that each layer stores: a parameter or layer that it finds must be in the list of
/// its owner, and the lists must hold nothing else and the same objects at every call. The paths must be unique.
public func misdeclaredMembers(of layer: any Layer) -> [String] {
  let names = layer.namedParameters.map(\.name)
  let repeated = Set(names.filter { name in names.count { $0 == name } > 1 }).sorted()
  return repeated.map { "two parameters have the path \($0)" } + differences(of: layer, "\(type(of: layer))")
}

/// What a layer stores against what it lists, for it and for all layers inside it.
private func differences(of layer: any Layer, _ path: String) -> [String] {
  var stored: [ObjectIdentifier: String] = [:]
  collectMembers(of: Mirror(reflecting: layer), path, into: &stored)
  let first = listedMembers(of: layer, path)
  let second = listedMembers(of: layer, path)
  let forgotten = stored.filter { first[$0.key] == nil }.values.map { "\($0) is stored but not listed" }
  let foreign = first.filter { stored[$0.key] == nil }.values.map { "\($0) is listed but not stored" }
  let changing = Set(first.keys) == Set(second.keys) ? [] : ["\(path) lists other objects at each call"]
  return forgotten.sorted() + foreign.sorted() + changing
    + layer.children.flatMap { differences(of: $0.layer, "\(path)/\($0.name)\(type(of: $0.layer))") }
}

private func listedMembers(of layer: any Layer, _ path: String) -> [ObjectIdentifier: String] {
  let parameters = layer.parameters.map { (ObjectIdentifier($0), "\(path): parameter \($0.name)") }
  let children = layer.children.map { (ObjectIdentifier($0.layer), "\(path): layer \($0.name)") }
  return Dictionary(parameters + children) { first, _ in first }
}

/// Finds the parameters and layers in stored properties, through optionals, collections, tuples and structures.
private func collectMembers(of mirror: Mirror, _ path: String, into found: inout [ObjectIdentifier: String]) {
  if let superclass = mirror.superclassMirror { collectMembers(of: superclass, path, into: &found) }
  for (index, member) in mirror.children.enumerated() {
    let memberPath = "\(path).\(member.label ?? "\(index)")"
    if let parameter = member.value as? Parameter {
      found[ObjectIdentifier(parameter)] = memberPath
    } else if let layer = member.value as? any Layer {
      found[ObjectIdentifier(layer)] = memberPath
    } else {
      let inner = Mirror(reflecting: member.value)
      // Other objects are not the layer's own, and may hold it in turn.
      if inner.displayStyle != .class { collectMembers(of: inner, memberPath, into: &found) }
    }
  }
}
