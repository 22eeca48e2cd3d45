import Data
import Foundation
import Layers
import Tensor

/// One finding of `captcha-cli doctor`.
struct SystemCheck: Encodable {
  let name: String
  let ok: Bool
  let detail: String
  /// What to do, where there is something to do.
  var remedy: String?

  static func processor() -> SystemCheck {
    let (active, best) = (SIMDLevel.active, SIMDLevel.best)
    var check = SystemCheck(
      name: "cpu", ok: true, detail: "\(Machine.processor ?? "unknown processor"); SIMD level \(active.rawValue)")
    if active != best {
      check.remedy = "CAPTCHA_SIMD lowers it from \(best.rawValue); unset the variable for full speed"
    } else if active == .baseline {
      check.remedy = "this works but is slow; a processor with AVX2 or AVX-512 trains several times faster"
    }
    return check
  }

  static func threads() -> SystemCheck {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    var check = SystemCheck(
      name: "threads", ok: true, detail: "\(Threads.count) of \(processors) processors")
    if Threads.count != processors { check.remedy = "CAPTCHA_THREADS says so; unset the variable to use all" }
    return check
  }

  /// OpenBLAS, with a product whose result is known.
  static func blas() -> SystemCheck {
    let selection = BLAS.selection
    let replaced = selection.replaced.map { " in place of \($0)" } ?? ""
    let detail = "OpenBLAS \(BLAS.version), kernels \(selection.core)\(replaced)"
    let product = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]).matrixProduct(
      Tensor([5, 6, 7, 8] as [Float], shape: [2, 2]))
    guard product.elements(of: Float.self) == [19, 22, 43, 50] else {
      return SystemCheck(
        name: "blas", ok: false, detail: "\(detail): a product of matrices comes out wrong",
        remedy: "install the distribution's libopenblas-dev again, or set OPENBLAS_CORETYPE=Haswell")
    }
    let isNarrow = ["Prescott", "Generic", "generic"].contains(selection.core)
    return SystemCheck(
      name: "blas", ok: true, detail: detail,
      remedy: isNarrow ? "these kernels are slow; set OPENBLAS_CORETYPE to the processor's kind" : nil)
  }

  static func gpu() -> SystemCheck {
    let isThere = FileManager.default.fileExists(atPath: "/dev/nvidiactl")
    return SystemCheck(
      name: "gpu", ok: true,
      detail: isThere
        ? "an NVIDIA GPU, which is not used; all work is done by the processor"
        : "none, and none is needed: all work is done by the processor")
  }

  /// The default data set and the seed model take about three gigabytes.
  static func memory() -> SystemCheck {
    guard let bytes = AvailableMemory.bytes else {
      return SystemCheck(name: "memory", ok: true, detail: "unknown on this system")
    }
    return SystemCheck(
      name: "memory", ok: bytes >= 1 << 30, detail: "\(gibibytes(bytes)) free",
      remedy: bytes >= 4 << 30
        ? nil : "for less memory train on fewer images (data.generate.count) or with --set model.color_mode=grayscale")
  }

  static func disk(_ path: String) -> SystemCheck {
    var folder = URL(fileURLWithPath: path).standardizedFileURL
    // The run's folder need not be there yet.
    while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
      folder = folder.deletingLastPathComponent()
    }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue else {
      return SystemCheck(
        name: "disk", ok: false, detail: "\(path): the free space cannot be found out", remedy: "check the path")
    }
    guard access(folder.path, W_OK) == 0 else {
      return SystemCheck(
        name: "disk", ok: false, detail: "\(folder.path): no permission to write",
        remedy: "choose another folder with --run")
    }
    return SystemCheck(
      name: "disk", ok: free >= 1 << 30, detail: "\(gibibytes(free)) free in \(folder.path)",
      remedy: free >= 1 << 30 ? nil : "a run of the seed model writes about 0.7 GiB; free some or choose another folder"
    )
  }

  /// Writes and reads a picture.
  static func images() -> SystemCheck {
    let image = Image(width: 7, height: 5, channels: 3, pixels: (0..<105).map { UInt8($0 * 2) })
    do {
      let same = try PNG.decode(PNG.encode(image), named: "a picture in memory") == image
      return SystemCheck(
        name: "images", ok: same,
        detail: "libpng \(LinkedLibraries.libpng)" + (same ? "" : ": a picture comes back changed"),
        remedy: same ? nil : "install the distribution's libpng-dev again")
    } catch {
      return SystemCheck(
        name: "images", ok: false, detail: "\(error)", remedy: "install the distribution's libpng-dev again")
    }
  }

  /// The formats besides PNG, which nobody needs who has PNG images only.
  static func imageFormats(
    library: String? = LinkedLibraries.gdkPixbuf, isReadable: (ImageFormat) -> Bool = \.isReadable
  ) -> SystemCheck {
    let optional = ImageFormat.allCases.filter { $0 != .png }
    func names(_ formats: [ImageFormat]) -> String { formats.map(\.displayName).joined(separator: ", ") }
    let missing = optional.filter { !isReadable($0) }
    let source = library.map { "gdk-pixbuf \($0)" } ?? "gdk-pixbuf is not installed"
    return SystemCheck(
      name: "formats", ok: true,
      detail: missing.isEmpty
        ? "PNG, and \(names(optional)) by \(source)" : "no \(names(missing)) images can be read: \(source)",
      remedy: missing.isEmpty
        ? nil : "only needed for \(names(missing)) images: run: sudo apt-get install libgdk-pixbuf-2.0-0")
  }

  /// The font of every style.
  static func fonts() -> SystemCheck {
    do {
      let fonts = try CaptchaStyle.allCases.flatMap { style in
        try CaptchaGenerator(configuration: GeneratorConfiguration(style: style)).fonts
      }
      let freeType = LinkedLibraries.freeType ?? "unknown"
      return SystemCheck(name: "fonts", ok: true, detail: "FreeType \(freeType), \(fonts.joined(separator: ", "))")
    } catch {
      return SystemCheck(
        name: "fonts", ok: false, detail: "\(error)",
        remedy: "run: sudo apt-get install fonts-dejavu-core fonts-noto-mono")
    }
  }

  /// Encodes a label of every character and reads it back.
  static func charset() -> SystemCheck {
    let codec = LabelCodec()
    let characters = codec.charset.characters
    let labels = stride(from: 0, to: characters.count, by: codec.maximumLength).map {
      String(characters[$0..<min($0 + codec.maximumLength, characters.count)])
    }
    let wrong = labels.filter { (try? codec.decode(codec.encode($0))) != $0 }
    return SystemCheck(
      name: "charset", ok: wrong.isEmpty,
      detail: wrong.isEmpty
        ? "\(characters.count) characters, \(codec.maximumLength) positions, \(codec.outputCount) outputs; all come back"
        : "these labels do not come back: \(wrong.joined(separator: ", "))",
      remedy: wrong.isEmpty ? nil : "build the program again from a clean checkout")
  }

  /// A step of training whose result is known: the loss of equal scores is log 2, and a step makes it smaller.
  static func gradients() -> SystemCheck {
    let layer = Dense(3, 2)
    layer.initialize(seed: 1)
    let inputs = Tensor([1, 0, 2] as [Float], shape: [1, 3])
    let labels = Tensor([1] as [Int32], shape: [1, 1])
    let loss = SoftmaxCrossEntropy()
    let before = loss(layer(inputs, .training(stream: RandomStream(seed: 1))), labels: labels)
    let gradients = before.backward()
    for parameter in layer.parameters {
      if let gradient = gradients[parameter] { parameter.value = parameter.value - gradient * 0.1 }
    }
    let after = loss(layer(inputs, .inference), labels: labels)
    let falls = after.scalar < before.scalar
    return SystemCheck(
      name: "training", ok: falls,
      detail: falls
        ? "a step against the gradient lowers the loss" : "a step against the gradient does not lower the loss",
      remedy: falls ? nil : "build the program again; if it stays, try CAPTCHA_SIMD=baseline")
  }

  static func data(_ path: String) -> SystemCheck {
    do {
      let statistics = try DatasetLoader().inspect(path)
      let total = statistics.count + statistics.rejected.count
      let ok = statistics.rejected.isEmpty
      return SystemCheck(
        name: "data", ok: ok, detail: "\(path): \(statistics.count) of \(total) images can be used",
        remedy: ok ? nil : "`captcha-cli dataset check \(path)` lists the others with reasons")
    } catch {
      return SystemCheck(name: "data", ok: false, detail: "\(error)")
    }
  }

  private static func lines(of file: String) -> [String] {
    ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
  }

  private static func gibibytes(_ bytes: Int) -> String { "\((Double(bytes) / Double(1 << 30)).fixed(1)) GiB" }
}
