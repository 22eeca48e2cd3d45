// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors where the CI variable is set, so that a newer compiler's new warnings never break a user's build.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// A module of this package; `dependencies` are the only modules that it may import.
func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: strict)
}

/// The tests of one module, which may use everything below it.
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let libraries = [
  "PluginConfiguration", "Tensor", "Layers", "Optimizers", "Data", "Callbacks", "Report", "TensorBoard", "Training",
  "Models", "CLI",
]

let package = Package(
  name: "captcha-trainer",
  products: libraries.map { .library(name: $0, targets: [$0]) }
    + [.executable(name: "captcha-cli", targets: ["captcha-cli"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CFreeType", pkgConfig: "freetype2",
      providers: [.apt(["libfreetype-dev"])]),
    .target(name: "CKernels"),
    // The file is compiled into the source beside it.
    .target(name: "CClassicModel", exclude: ["classic.safetensors"]),
    .target(name: "CPNGCodec", dependencies: ["CPNG"]),
    module("PluginConfiguration"),
    module("Tensor", ["COpenBLAS", "CKernels"]),
    module("Layers", ["Tensor"]),
    module("Optimizers", ["PluginConfiguration", "Tensor"]),
    module("Data", ["PluginConfiguration", "Tensor", "CPNGCodec", "CFreeType", "SwiftCSV"]),
    module("Callbacks", ["PluginConfiguration", "Tensor", "Layers"]),
    module("Report", ["Tensor", "Data", "Callbacks"]),
    module(
      "TensorBoard",
      ["Tensor", "Data", "Callbacks", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      // What the messages are generated from.
      exclude: ["Messages/event.proto"]),
    module("Training", ["Tensor", "Layers", "Optimizers", "Data", "Callbacks"]),
    module("Models", ["Tensor", "Layers", "Data", "CClassicModel"]),
    module(
      "CLI",
      [
        "PluginConfiguration", "Tensor", "Layers", "Optimizers", "Data", "Callbacks", "Report", "TensorBoard",
        "Training",
        "Models", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      // In the binary, so that it needs no files beside it.
      resources: [.embedInCode("Recipes")]),
    .executableTarget(name: "captcha-cli", dependencies: ["CLI"], swiftSettings: strict),
    tests("PluginConfigurationTests", ["PluginConfiguration"]),
    tests(
      "CallbacksTests", ["Callbacks", "PluginConfiguration", "Tensor"], resources: [.copy("Fixtures")]),
    tests("TensorTests", ["Tensor", "CKernels"], resources: [.copy("Fixtures")]),
    tests("OptimizersTests", ["Optimizers", "PluginConfiguration", "Tensor"], resources: [.copy("Fixtures")]),
    // Proves for the tests of layers and models that no layer forgets a parameter.
    .target(
      name: "LayerReflection", dependencies: ["Tensor", "Layers"], path: "Tests/LayerReflection", swiftSettings: strict),
    tests("LayersTests", ["Layers", "Tensor", "LayerReflection"], resources: [.copy("Fixtures")]),
    tests(
      "ModelsTests", ["Models", "PluginConfiguration", "Layers", "Optimizers", "Data", "Tensor", "LayerReflection"],
      resources: [.copy("Fixtures")]),
    tests("ReportTests", ["Report", "Callbacks", "Data", "Tensor"]),
    tests(
      "TensorBoardTests",
      ["TensorBoard", "Callbacks", "Data", "Tensor", .product(name: "SwiftProtobuf", package: "swift-protobuf")]),
    tests("TrainingTests", ["Training", "Callbacks", "Data", "Optimizers", "Layers", "Tensor"]),
    // Its tests run the program itself.
    tests(
      "CLITests",
      [
        "CLI", "captcha-cli", "Callbacks", "PluginConfiguration", "Data", "Layers", "Models", "Optimizers", "Tensor",
        "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    tests("DataTests", ["Data", "PluginConfiguration", "Tensor"], resources: [.copy("Fixtures")]),
  ]
)
