// swift-tools-version: 6.2
import PackageDescription

// What you write in a package of your own: a dependency on this one, and the modules that you need as products.
// Here the package is the folder above; elsewhere give its address, as in .package(url: "https://…", from: "1.0.0").
let trainer = Package.Dependency.package(name: "captcha-trainer", path: "..")

func products(_ names: String...) -> [Target.Dependency] {
  names.map { .product(name: $0, package: "captcha-trainer") }
}

let package = Package(
  name: "Examples",
  dependencies: [trainer],
  targets: [
    // A callback in a module of its own, as a library of plug-ins would ship it.
    .target(name: "StopAtTarget", dependencies: products("Callbacks", "PluginConfiguration")),
    .executableTarget(
      name: "CustomCallback",
      dependencies: ["StopAtTarget"]
        + products("Callbacks", "Data", "Layers", "Optimizers", "PluginConfiguration", "Training")),
    // A command line of one's own, with that callback.
    .executableTarget(name: "CustomCommandLine", dependencies: ["StopAtTarget"] + products("CLI")),
    .executableTarget(
      name: "CustomLayer", dependencies: products("Data", "Layers", "Optimizers", "Tensor", "Training")),
    .executableTarget(
      name: "CustomTraining", dependencies: products("Callbacks", "Data", "Layers", "Optimizers", "Training")),
  ]
)
