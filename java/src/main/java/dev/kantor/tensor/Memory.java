package dev.kantor.tensor;

import dev.kantor.nativelib.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A block of device memory. Close it after the programs that use it. */
public final class Memory implements AutoCloseable {
  private final long handle;
  private final long bytes;
  private final MemorySegment keptAlive;
  private boolean closed;

  Memory(long handle, long bytes, MemorySegment keptAlive) {
    this.handle = handle;
    this.bytes = bytes;
    this.keptAlive = keptAlive;
  }

  public long handle() {
    return handle;
  }

  public long bytes() {
    return bytes;
  }

  /** Whether this is host memory that programs may only read. */
  public boolean isWrapped() {
    return keptAlive != null;
  }

  /** Copies all of {@code host} (off-heap) to {@code offset} bytes from the start. */
  public void write(long offset, MemorySegment host) {
    Native.write(handle, offset, host);
  }

  /** Fills all of {@code host} (off-heap) from {@code offset} bytes on. */
  public void read(long offset, MemorySegment host) {
    Native.read(handle, offset, host);
  }

  /** Copies the block to a new host segment of the given arena. */
  public MemorySegment toHost(Arena arena) {
    MemorySegment host = arena.allocate(bytes, 64);
    read(0, host);
    return host;
  }

  /** The block as floats. */
  public float[] toFloats() {
    try (var arena = Arena.ofConfined()) {
      return toHost(arena).toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Native.free(handle);
    }
  }
}
