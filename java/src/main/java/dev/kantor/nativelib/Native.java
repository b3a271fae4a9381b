package dev.kantor.nativelib;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.Loader;

/**
 * The native core, {@code kantor.h}, as Java sees it: handles are {@code long} addresses (0 is no
 * handle), host memory is a native {@link MemorySegment}.
 *
 * <p>A handle must not be used after it was closed, freed or destroyed; close programs first, then
 * memories, then the device. Different threads may run different programs; the runs on one device
 * take turns.
 *
 * <p>Whatever fails throws a {@link KantorException} with the core's error text. Every method
 * throws one with {@link Status#UNSUPPORTED} where the native library of this platform is missing
 * or is of another version.
 */
public final class Native {
  /**
   * The system property that names the folder of the unpacked libraries; without it they are looked
   * for in the class path.
   */
  public static final String LIBRARY_PATH = "kantor.library.path";

  /** In the order in which they are loaded. */
  private static final List<String> LIBRARIES = List.of("libkantor.so", "libjniKantor.so");

  /** The core opens it, where a driver answers. */
  private static final String CUDA_LIBRARY = "libkantor_cuda.so";

  private static final String CUDA_DRIVER = "libcuda.so.1";

  private static final String JAVACPP_LOADS = "org.bytedeco.javacpp.loadlibraries";
  private static final long DEVICE_JSON_BYTES = 16 << 10;
  private static final long PROGRAM_JSON_BYTES = 256 << 10;

  /** Null once the library is loaded and of the version that this class was compiled for. */
  private static final KantorException UNAVAILABLE = load();

  /**
   * How a replay ended.
   *
   * @param status {@link Status#OK}, {@link Status#CANCELLED} or {@link Status#FAULT}
   * @param completed how many whole iterations were done
   */
  public record RunResult(Status status, long completed) {
    public RunResult {
      if (status != Status.OK && status != Status.CANCELLED && status != Status.FAULT) {
        throw new IllegalArgumentException("a run ends with OK, CANCELLED or FAULT, not " + status);
      }
      if (completed < 0) {
        throw new IllegalArgumentException("completed must not be negative: " + completed);
      }
    }
  }

  private Native() {}

  /** The version of the C interface. */
  public static int abiVersion() {
    requireLibrary();
    return Kantor.kt_abi_version();
  }

  /**
   * Opens a device: "cpu" (the fastest instruction set of this processor), "cpu-avx512",
   * "cpu-avx2", "cpu-portable", "reference", "cuda:0" and so on, or "auto": the first GPU that can
   * be used, else the CPU.
   *
   * @param threads how many threads run a program, the caller's included; 0 takes all processors.
   *     Results do not depend on it
   * @return the device, to be closed by {@link #closeDevice}
   */
  public static long openDevice(String name, int threads) {
    requireLibrary();
    Objects.requireNonNull(name, "name");
    if (name.startsWith("cuda") || name.equals("auto")) {
      unpackCudaLibrary();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment nameBytes = arena.allocateFrom(name);
      MemorySegment device = arena.allocate(ValueLayout.JAVA_LONG);
      check(Kantor.kt_device_open(nameBytes.address(), threads, device.address()));
      return device.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  public static void closeDevice(long device) {
    requireLibrary();
    check(Kantor.kt_device_close(device));
  }

  /**
   * A JSON object with "name", "kind", "isa", "threads" and "processor", and what
   * kt_device_describe of kantor.h adds for GPUs.
   */
  public static String describeDevice(long device) {
    requireLibrary();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment json = arena.allocate(DEVICE_JSON_BYTES);
      check(Kantor.kt_device_describe(device, json.address(), json.byteSize()));
      return json.getString(0);
    }
  }

  /**
   * Zeroed device memory, aligned to 64 bytes.
   *
   * @return the memory, to be freed by {@link #free}
   */
  public static long allocate(long device, long bytes) {
    requireLibrary();
    if (bytes < 0) {
      throw new KantorException(
          Status.INVALID_ARGUMENT, "allocate: the size must not be negative: " + bytes);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(ValueLayout.JAVA_LONG);
      check(Kantor.kt_memory_allocate(device, bytes, memory.address()));
      return memory.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /**
   * Device memory over host memory, a mapped file say, that programs may only read. The caller
   * keeps the segment's arena open until the memory is freed. A CPU device uses it in place.
   *
   * @return the memory, to be freed by {@link #free}
   */
  public static long wrap(long device, MemorySegment host) {
    requireLibrary();
    requireNative(host);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(ValueLayout.JAVA_LONG);
      check(Kantor.kt_memory_wrap(device, host.address(), host.byteSize(), memory.address()));
      return memory.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  public static void free(long memory) {
    requireLibrary();
    check(Kantor.kt_memory_free(memory));
  }

  /** Copies the whole of host into memory, starting at offset bytes. */
  public static void write(long memory, long offset, MemorySegment host) {
    requireLibrary();
    requireNative(host);
    try {
      check(Kantor.kt_memory_write(memory, offset, host.address(), host.byteSize()));
    } finally {
      Reference.reachabilityFence(host);
    }
  }

  /** Fills the whole of host from memory, starting at offset bytes. */
  public static void read(long memory, long offset, MemorySegment host) {
    requireLibrary();
    requireNative(host);
    if (host.isReadOnly()) {
      throw new KantorException(Status.INVALID_ARGUMENT, "read: the host memory is read-only");
    }
    try {
      check(Kantor.kt_memory_read(memory, offset, host.address(), host.byteSize()));
    } finally {
      Reference.reachabilityFence(host);
    }
  }

  /**
   * Builds a program, all of whose operands, shapes and attributes are checked here.
   *
   * @param bytes as native/runtime/program_format.h describes; not needed afterwards
   * @param slots the memory behind each state slot; they must outlive the program
   * @return the program, to be destroyed by {@link #destroyProgram}
   */
  public static long createProgram(long device, MemorySegment bytes, long[] slots) {
    requireLibrary();
    requireNative(bytes);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handles = arena.allocateFrom(ValueLayout.JAVA_LONG, slots);
      MemorySegment program = arena.allocate(ValueLayout.JAVA_LONG);
      check(
          Kantor.kt_program_create(
              device,
              bytes.address(),
              bytes.byteSize(),
              handles.address(),
              slots.length,
              program.address()));
      return program.get(ValueLayout.JAVA_LONG, 0);
    } finally {
      Reference.reachabilityFence(bytes);
    }
  }

  public static void destroyProgram(long program) {
    requireLibrary();
    check(Kantor.kt_program_destroy(program));
  }

  /**
   * Replays the program in one call. A cancelled run and one that met a fault are results,
   * everything else that ends a run early is thrown. The fault stays set until the caller clears
   * its slot.
   */
  public static RunResult run(long program, long iterations) {
    requireLibrary();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment completed = arena.allocate(ValueLayout.JAVA_LONG);
      int code = Kantor.kt_program_run(program, iterations, completed.address());
      if (code != Kantor.KT_CANCELLED && code != Kantor.KT_FAULT) {
        check(code);
      }
      return new RunResult(Status.of(code), completed.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  /** From any thread: the run under way, or else the next one, ends after its current iteration. */
  public static void cancel(long program) {
    requireLibrary();
    check(Kantor.kt_program_cancel(program));
  }

  /** Switches the timing of single instructions, which {@link #describeProgram} shows. */
  public static void profile(long program, boolean enable) {
    requireLibrary();
    check(Kantor.kt_program_profile(program, enable ? 1 : 0));
  }

  /**
   * A JSON object with "arenaBytes", "scratchBytes", "stages" and "instructions", an array of
   * objects with "index", "op", "shapes", "ns" (time summed over threads, while profiling) and
   * "calls".
   */
  public static String describeProgram(long program) {
    requireLibrary();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment needed = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment json = arena.allocate(PROGRAM_JSON_BYTES);
      int code =
          Kantor.kt_program_describe(program, json.address(), json.byteSize(), needed.address());
      if (needed.get(ValueLayout.JAVA_LONG, 0) > json.byteSize()) {
        json = arena.allocate(needed.get(ValueLayout.JAVA_LONG, 0));
        code =
            Kantor.kt_program_describe(program, json.address(), json.byteSize(), needed.address());
      }
      check(code);
      return json.getString(0);
    }
  }

  private static KantorException load() {
    String folder = System.getProperty(LIBRARY_PATH);
    try {
      if (folder == null) {
        Loader.load(Kantor.class);
      } else {
        loadFrom(Path.of(folder));
      }
    } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
      return new KantorException(
          Status.UNSUPPORTED,
          "the native library of Kantor could not be loaded: "
              + e.getMessage()
              + "\n"
              + "this jar has libraries for the platform it was built on only; build it here: mvn"
              + " package",
          e);
    }
    int version = Kantor.kt_abi_version();
    if (version != Kantor.KT_ABI_VERSION) {
      return new KantorException(
          Status.UNSUPPORTED,
          "the native library has version "
              + version
              + " of the C interface, this jar needs "
              + Kantor.KT_ABI_VERSION
              + "\nbuild both from the same sources: mvn clean package");
    }
    return null;
  }

  /**
   * JavaCPP's search through the class path takes 0.25 s of processor time; a start of the launcher
   * knows the place.
   */
  @SuppressWarnings("restricted")
  private static void loadFrom(Path folder) {
    for (String name : LIBRARIES) {
      System.load(folder.resolve(name).toAbsolutePath().toString());
    }
    String before = System.getProperty(JAVACPP_LOADS);
    System.setProperty(
        JAVACPP_LOADS, "false"); // or the binding's initialiser would search after all
    try {
      Kantor.kt_abi_version();
    } finally {
      if (before == null) {
        System.clearProperty(JAVACPP_LOADS);
      } else {
        System.setProperty(JAVACPP_LOADS, before);
      }
    }
  }

  /**
   * Puts the CUDA library of the class path beside the core, which looks for it there. Only where
   * there is a driver: nobody else needs those megabytes.
   */
  @SuppressWarnings("restricted")
  private static void unpackCudaLibrary() {
    String resource = Loader.getPlatform() + "/" + CUDA_LIBRARY;
    if (System.getProperty(LIBRARY_PATH) != null || Native.class.getResource(resource) == null) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(CUDA_DRIVER, arena);
    } catch (IllegalArgumentException e) {
      return; // No driver: the core says so.
    }
    try {
      Loader.cacheResource(Native.class, resource);
    } catch (IOException e) {
      throw new KantorException(
          Status.UNSUPPORTED, CUDA_LIBRARY + " cannot be unpacked: " + e.getMessage(), e);
    }
  }

  /** Whether there is a CUDA library for {@link #copyLibraries} to copy. */
  public static boolean hasCudaLibrary() {
    String folder = System.getProperty(LIBRARY_PATH);
    return folder == null
        ? Native.class.getResource(Loader.getPlatform() + "/" + CUDA_LIBRARY) != null
        : Files.exists(Path.of(folder, CUDA_LIBRARY));
  }

  /**
   * Copies the native libraries of this platform into a folder, for {@link #LIBRARY_PATH} to name;
   * that for CUDA too, if there is one.
   *
   * @throws IOException if this program has none for this platform, or the folder cannot be written
   */
  public static void copyLibraries(Path folder) throws IOException {
    String known = System.getProperty(LIBRARY_PATH);
    List<String> names = new ArrayList<>(LIBRARIES);
    if (hasCudaLibrary()) {
      names.add(CUDA_LIBRARY);
    }
    for (String name : names) {
      if (known != null) {
        Files.copy(Path.of(known, name), folder.resolve(name));
        continue;
      }
      String resource = Loader.getPlatform() + "/" + name;
      try (InputStream library = Native.class.getResourceAsStream(resource)) {
        if (library == null) {
          throw new IOException("there is no " + resource + " in the class path");
        }
        Files.copy(library, folder.resolve(name));
      }
    }
  }

  private static void requireLibrary() {
    if (UNAVAILABLE != null) {
      throw new KantorException(UNAVAILABLE.status(), UNAVAILABLE.getMessage(), UNAVAILABLE);
    }
  }

  private static void requireNative(MemorySegment host) {
    if (!host.isNative()) {
      throw new KantorException(
          Status.INVALID_ARGUMENT,
          "the host memory lies on the Java heap; allocate it from an Arena or map a file");
    }
    if (!host.scope().isAlive() || !host.isAccessibleBy(Thread.currentThread())) {
      throw new KantorException(
          Status.INVALID_ARGUMENT,
          "the arena of the host memory is closed, or confined to another thread");
    }
  }

  private static void check(int code) {
    if (code != Kantor.KT_OK) {
      throw new KantorException(Status.of(code), errorMessage());
    }
  }

  @SuppressWarnings("restricted") // The C interface promises a string that ends with a zero.
  private static String errorMessage() {
    return MemorySegment.ofAddress(Kantor.kt_error_message())
        .reinterpret(Long.MAX_VALUE)
        .getString(0);
  }
}
