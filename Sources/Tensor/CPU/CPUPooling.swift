import CKernels

extension CPUBackend {
  public func maxPool(_ x: Tensor, geometry: PoolingGeometry, keepOffsets: Bool) -> (y: Tensor, offsets: Tensor?) {
    let y = Tensor(uninitialized: geometry.outputShape)
    let offsets = keepOffsets ? Tensor(uninitialized: geometry.outputShape, dtype: .uint8) : nil
    let (inputSize, outputSize) = (geometry.inputSize, geometry.outputSize)
    Threads.forEachPart(of: geometry.batch) { images, _ in
      var sizes = geometry.kernelGeometry
      for image in images {
        kernels.max_pool(
          &sizes, x.floats + image * inputSize, y.floats + image * outputSize,
          offsets.map { $0.bytes + image * outputSize })
      }
    }
    return (y, offsets)
  }

  public func maxPoolGradient(_ dy: Tensor, offsets: Tensor, geometry: PoolingGeometry) -> Tensor {
    let dx = Tensor(uninitialized: geometry.inputShape)
    let (inputSize, outputSize) = (geometry.inputSize, geometry.outputSize)
    Threads.forEachPart(of: geometry.batch) { images, _ in
      var sizes = geometry.kernelGeometry
      for image in images {
        let gradient = dx.floats + image * inputSize
        gradient.update(repeating: 0, count: inputSize)
        kernels.max_pool_gradient(
          &sizes, dy.floats + image * outputSize, offsets.bytes + image * outputSize, gradient)
      }
    }
    return dx
  }

  public func spatialMeans(_ x: Tensor) -> Tensor {
    let (batch, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    let means = Tensor(uninitialized: [batch, channels])
    Threads.forEachPart(of: batch) { images, _ in
      for image in images {
        var sums = [Double](repeating: 0, count: channels)
        kernels.column_sums(x.floats + image * pixels * channels, pixels, channels, &sums)
        for channel in 0..<channels {
          means.floats[image * channels + channel] = Float(sums[channel] / Double(pixels))
        }
      }
    }
    return means
  }

  public func spatialMeansGradient(_ dy: Tensor, shape: Shape) -> Tensor {
    let (batch, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
    let share = scaled(dy, by: 1 / Float(pixels))
    let dx = Tensor(uninitialized: shape)
    Threads.forEachPart(of: batch) { images, _ in
      for image in images {
        for pixel in 0..<pixels {
          (dx.floats + (image * pixels + pixel) * channels).update(
            from: share.floats + image * channels, count: channels)
        }
      }
    }
    return dx
  }

  public func channelsScaled(_ x: Tensor, by scales: Tensor) -> Tensor {
    let (pixels, channels) = (x.shape[1] * x.shape[2], x.shape[3])
    let y = Tensor(uninitialized: x.shape)
    let none = [Float](repeating: 0, count: channels)
    Threads.forEachPart(of: x.shape[0], minimum: imagesWorthAThread(pixels * channels)) { images, _ in
      for image in images {
        let first = image * pixels * channels
        kernels.column_affine(
          x.floats + first, pixels, channels, scales.floats + image * channels, none, y.floats + first)
      }
    }
    return y
  }

  public func channelProducts(_ dy: Tensor, _ x: Tensor) -> Tensor {
    let (pixels, channels) = (x.shape[1] * x.shape[2], x.shape[3])
    let products = Tensor(uninitialized: [x.shape[0], channels])
    let none = [Float](repeating: 0, count: channels)
    Threads.forEachPart(of: x.shape[0], minimum: imagesWorthAThread(pixels * channels)) { images, _ in
      for image in images {
        let first = image * pixels * channels
        var (sums, own) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        kernels.column_products(dy.floats + first, x.floats + first, pixels, channels, none, &sums, &own)
        for channel in 0..<channels { products.floats[image * channels + channel] = Float(own[channel]) }
      }
    }
    return products
  }

  private func imagesWorthAThread(_ imageSize: Int) -> Int { max(1, 16_384 / max(1, imageSize)) }

  public func rowsAndColumnsSwapped(_ x: Tensor) -> Tensor {
    let (batch, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let y = Tensor(uninitialized: [batch, width, height, channels])
    Threads.forEachPart(of: batch) { images, _ in
      for image in images {
        let (from, to) = (x.floats + image * height * width * channels, y.floats + image * height * width * channels)
        for row in 0..<height {
          for column in 0..<width {
            (to + (column * height + row) * channels).update(
              from: from + (row * width + column) * channels, count: channels)
          }
        }
      }
    }
    return y
  }
}

extension PoolingGeometry {
  /// Elements of one image before and after.
  var inputSize: Int { height * width * channels }
  var outputSize: Int { outputHeight * outputWidth * channels }

  /// Whether each pixel lies in one window at most.
  var windowsAreApart: Bool { window == stride && top == 0 && left == 0 }

  var kernelGeometry: ckernels_pooling {
    ckernels_pooling(
      height: height, width: width, channels: channels, output_height: outputHeight, output_width: outputWidth,
      window_height: window.height, window_width: window.width, stride_height: stride.height,
      stride_width: stride.width, top: top, left: left)
  }
}
