package dev.kantor.tensor;

import com.google.gson.JsonParser;
import dev.kantor.nativelib.Native;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/**
 * A place where programs run. A device is a value: several may be open in one process. Close it
 * after the memories and programs that were made on it.
 */
public final class Device implements AutoCloseable {
  private static volatile Device shared;

  private final String name;
  private final long handle;
  private boolean closed;

  private Device(String name, long handle) {
    this.name = name;
    this.handle = handle;
  }

  /**
   * Opens a device.
   *
   * @param name {@code cpu} (the fastest instruction set at hand), {@code cpu-avx512}, {@code
   *     cpu-avx2}, {@code cpu-portable}, {@code reference} (plain loops, the oracle of the tests),
   *     {@code cuda:0} and so on (NVIDIA GPUs), or {@code auto}: the first GPU that can be used,
   *     else the CPU. After a GPU's name {@code +persistent} has programs of dense networks
   *     replayed by one kernel for many iterations, {@code +graph} by CUDA graphs, which is what it
   *     does without either, {@code +serial} by graphs in which no kernel begins before the one in
   *     front of it has ended; to the same bits. {@code +cudnn} has cuDNN and cuBLAS compute
   *     products and convolutions, where they are installed
   * @param threads how many threads run a program; 0 takes all the processors
   * @throws dev.kantor.nativelib.KantorException if there is no such device here
   */
  public static Device open(String name, int threads) {
    return of(Native.openDevice(name, threads), Native::describeDevice);
  }

  /**
   * Takes a native device over, and closes it if it cannot.
   *
   * @param describe says what it is, in JSON
   */
  static Device of(long handle, LongFunction<String> describe) {
    try {
      String name =
          JsonParser.parseString(describe.apply(handle))
              .getAsJsonObject()
              .get("name")
              .getAsString();
      return new Device(name, handle);
    } catch (RuntimeException e) {
      Native.closeDevice(handle);
      throw e;
    }
  }

  /**
   * The process-wide CPU device that operations outside a trace run on, opened on first use and
   * never closed.
   */
  public static Device shared() {
    Device device = shared;
    if (device == null) {
      synchronized (Device.class) {
        if (shared == null) {
          shared = open("cpu", 0);
        }
        device = shared;
      }
    }
    return device;
  }

  /** The device's own name, "cpu" say, where "auto" was asked for. */
  public String name() {
    return name;
  }

  /** A JSON object: name, kind, isa, threads, processor, and more for GPUs. */
  public String describe() {
    return Native.describeDevice(handle);
  }

  /** The native handle, for the graph's executor. */
  public long handle() {
    return handle;
  }

  /** Zeroed device memory. */
  public Memory allocate(long bytes) {
    return new Memory(Native.allocate(handle, bytes), bytes, null);
  }

  /**
   * Read-only device memory over host memory, used in place by a CPU; the segment must outlive it.
   */
  public Memory wrap(MemorySegment host) {
    return new Memory(Native.wrap(handle, host), host.byteSize(), host);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Native.closeDevice(handle);
    }
  }
}
