import ArgumentParser

/// `captcha-cli bench`: measures how fast this machine works.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures speed and memory of training, reading, decoding and drawing.",
    discussion: """
      Each measurement warms up, then repeats its work for some seconds. Without --data the images are drawn, \
      always the same. Other programs on the machine make the figures worse; the minimum suffers least.

      Example:
        captcha-cli bench train
        captcha-cli bench infer --model compact --batch-size 64 --threads 1
        captcha-cli bench latency --model model.safetensors --json
        captcha-cli bench profile train
      """,
    subcommands: [
      BenchTrain.self, BenchInfer.self, BenchLatency.self, BenchDecode.self, BenchGenerate.self, BenchProfile.self,
    ])
}
