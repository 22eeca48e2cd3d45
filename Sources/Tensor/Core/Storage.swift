import CKernels
import Foundation
import Synchronization

/// The bytes of one or more tensors, taken from a pool of recycled blocks.
///
/// The first touch of fresh memory is slow, so a block whose last tensor is gone is kept for the next request of its
/// size. Blocks start at a cache line, large ones at a huge page.
final class Storage: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  private let capacity: Int
  /// What was computed from the bytes alone and holds until they change, such as weights in a kernel's own order.
  private let derived = Mutex<[String: Tensor]>([:])

  /// Storage for `size` bytes, whose content is undefined.
  init(size: Int) {
    capacity = StoragePool.capacity(for: size)
    bytes = StoragePool.shared.take(capacity)
    ckernels_limit_block(bytes, size, capacity)
  }

  deinit {
    // Nobody may touch a free block.
    ckernels_limit_block(bytes, 0, capacity)
    StoragePool.shared.give(bytes, capacity)
  }

  /// What `make` returned when it was first asked for under `key` since the bytes last changed.
  func derived(_ key: String, _ make: () -> Tensor) -> Tensor {
    derived.withLock { derived in
      if let known = derived[key] { return known }
      let made = make()
      derived[key] = made
      return made
    }
  }

  /// Must be called whenever the bytes change.
  func forgetDerived() { derived.withLock { $0 = [:] } }
}

/// Free blocks by size, and what is in use.
public final class StoragePool: Sendable {
  /// The pool that every tensor uses.
  public static let shared = StoragePool()

  private struct Blocks {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var liveCount = 0
    var liveBytes = 0
    var peakLiveBytes = 0
  }

  /// The pointers in it belong to nobody else while they are free.
  private struct Owned: @unchecked Sendable { var blocks = Blocks() }

  private let state = Mutex(Owned())

  private static let hugePage = 2 << 20

  /// The block size for a request: a power of two, or for large requests the next eighth of one.
  static func capacity(for size: Int) -> Int {
    if size <= 64 { return 64 }
    let power = 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount)
    let step = power >= hugePage ? power / 8 : power
    return (size + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutableRawPointer {
    let recycled: UnsafeMutableRawPointer? = state.withLock { state in
      state.blocks.liveCount += 1
      state.blocks.liveBytes += capacity
      state.blocks.peakLiveBytes = max(state.blocks.peakLiveBytes, state.blocks.liveBytes)
      guard let block = state.blocks.free[capacity]?.popLast() else { return nil }
      return block
    }
    return recycled ?? Self.allocate(capacity)
  }

  func give(_ bytes: UnsafeMutableRawPointer, _ capacity: Int) {
    let owned = Block(bytes: bytes)
    state.withLock { state in
      state.blocks.liveCount -= 1
      state.blocks.liveBytes -= capacity
      state.blocks.free[capacity, default: []].append(owned.bytes)
    }
  }

  private struct Block: @unchecked Sendable { let bytes: UnsafeMutableRawPointer }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    var pointer: UnsafeMutableRawPointer?
    let alignment = capacity >= hugePage ? hugePage : 64
    // Capacity is a multiple of the alignment only for small blocks; posix_memalign does not ask for that.
    if posix_memalign(&pointer, alignment, capacity) != 0 {
      // What is kept for later requests may be what is missing now.
      shared.trim()
      pointer = nil
      _ = posix_memalign(&pointer, alignment, capacity)
    }
    guard let bytes = pointer else {
      // Not a bug of the program, so no trace of it: one line, and the end.
      try? FileHandle.standardError.write(
        contentsOf: Data(
          "error: out of memory: no block of \(capacity) bytes for a tensor; use a smaller batch size or model\n".utf8))
      exit(1)
    }
    #if os(Linux)
      // Only advice: without huge pages everything works, more slowly. 14 is MADV_HUGEPAGE.
      if capacity >= hugePage { _ = madvise(bytes, capacity, 14) }
    #endif
    return bytes
  }

  /// How many blocks tensors hold now.
  public var liveCount: Int { state.withLock { $0.blocks.liveCount } }
  /// How many bytes tensors hold now.
  public var liveBytes: Int { state.withLock { $0.blocks.liveBytes } }
  /// The largest `liveBytes` so far.
  public var peakLiveBytes: Int { state.withLock { $0.blocks.peakLiveBytes } }

  /// Returns all free blocks to the operating system.
  public func trim() {
    state.withLock { state in
      for block in state.blocks.free.values.joined() { free(block) }
      state.blocks.free = [:]
    }
  }
}
