package dev.kantor.bench;

import dev.kantor.nativelib.Kantor;
import dev.kantor.nativelib.Native;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.Loader;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A call of the native core by JavaCPP (JNI, addresses as longs: what Kantor does) and by
 * java.lang.foreign, on the same functions of the same library. Critical calls skip the thread's
 * change of state, and hold up the garbage collector as long as they take: they are here to be
 * compared, and of no use for a kernel.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallBenchmark {
  private static final SymbolLookup LIBRARY = library();
  private static final FunctionDescriptor NONE = FunctionDescriptor.of(ValueLayout.JAVA_INT);
  private static final FunctionDescriptor FOUR =
      FunctionDescriptor.of(
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG);

  private static final MethodHandle VERSION = handle("kt_abi_version", NONE);
  private static final MethodHandle CRITICAL_VERSION =
      handle("kt_abi_version", NONE, Linker.Option.critical(false));
  private static final MethodHandle READ = handle("kt_memory_read", FOUR);
  private static final MethodHandle CRITICAL_READ =
      handle("kt_memory_read", FOUR, Linker.Option.critical(false));

  private Device device;
  private Memory memory;
  private Arena arena;
  private long handle;
  private long host;

  @SuppressWarnings("restricted") // the library is Kantor's own
  private static SymbolLookup library() {
    Native.abiVersion(); // loads it
    String folder = System.getProperty(Native.LIBRARY_PATH);
    Path file =
        folder != null
            ? Path.of(folder, "libkantor.so").toAbsolutePath()
            : Path.of(Loader.load(Kantor.class)).resolveSibling("libkantor.so");
    return SymbolLookup.libraryLookup(file, Arena.global());
  }

  @SuppressWarnings("restricted") // signatures as in kantor.h
  private static MethodHandle handle(
      String name, FunctionDescriptor type, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), type, options);
  }

  @Setup
  public void open() {
    device = Device.open("cpu", 1);
    memory = device.allocate(Float.BYTES);
    arena = Arena.ofShared();
    handle = memory.handle();
    host = arena.allocate(ValueLayout.JAVA_FLOAT).address();
  }

  @Benchmark
  public int javacppNone() {
    return Kantor.kt_abi_version();
  }

  @Benchmark
  public int ffmNone() throws Throwable {
    return (int) VERSION.invokeExact();
  }

  @Benchmark
  public int ffmCriticalNone() throws Throwable {
    return (int) CRITICAL_VERSION.invokeExact();
  }

  @Benchmark
  public int javacppFour() {
    return Kantor.kt_memory_read(handle, 0L, host, (long) Float.BYTES);
  }

  @Benchmark
  public int ffmFour() throws Throwable {
    return (int) READ.invokeExact(handle, 0L, host, (long) Float.BYTES);
  }

  @Benchmark
  public int ffmCriticalFour() throws Throwable {
    return (int) CRITICAL_READ.invokeExact(handle, 0L, host, (long) Float.BYTES);
  }

  @TearDown
  public void close() {
    memory.close();
    device.close();
    arena.close();
  }
}
