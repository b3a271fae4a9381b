package dev.kantor.bench.libtorch;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The rival and the oracle: libtorch on the CPU. It needs a JavaCPP of another version than
 * Kantor's, so it runs in a process of its own; callers fork {@code target/dist/libtorch} (a shell
 * script, which sets up the JVM and glibc's allocator) and talk to it through safetensors files and
 * one JSON object on stdout:
 *
 * <pre>{@code
 * ProcessBuilder builder = new ProcessBuilder(dist + "/libtorch", "step", "--variant", "wgan-gp", "--in", in, "--out",
 * out); builder.environment().put("JAVA_HOME", System.getProperty("java.home")); // 25 or later
 * }</pre>
 *
 * <p>Commands; every one takes {@code --threads T} (default: all processors), and all but {@code
 * info} and the benchmarks {@code --dtype float32|float64}:
 *
 * <ul>
 *   <li>{@code info}: which libtorch this is, and how it was built.
 *   <li>{@code step --variant V --in FILE --out FILE}: training on given inputs, see {@link
 *       StepCommand}.
 *   <li>{@code ops --in FILE --out FILE}: values and first and second derivatives of ops, see
 *       {@link OpsCommand}.
 *   <li>{@code bench --variant V --batch-size B --critic-steps K --warmup-seconds S --seconds S}:
 *       time of a training iteration, see {@link BenchCommand}.
 *   <li>{@code bench-sample --variant V --batch-size B --warmup-seconds S --seconds S}: images a
 *       second of the generator in evaluation mode.
 *   <li>{@code bench-ops --warmup-seconds S --seconds S}: times of single ops, asked for line by
 *       line on stdin, see {@link OpBenchCommand}.
 * </ul>
 *
 * <p>Exit status 0 done, 1 failed, 2 wrong usage; stderr says why in one line.
 */
public final class Main {

  /** What a command does with its options; the map is its result. */
  private interface Command {
    Map<String, Object> run(Options options) throws IOException;
  }

  private record Entry(Set<String> options, Command command) {}

  private static final String[] HYPER_PARAMETERS = {
    "learning-rate",
    "beta1",
    "beta2",
    "clip",
    "lambda",
    "critic-activation",
    "reconstruction",
    "reconstruction-weight",
    "divergence-weight",
    "adversarial-weight",
    "class-weight"
  };
  private static final String[] TIMES = {"batch-size", "warmup-seconds", "seconds"};
  private static final Map<String, Entry> COMMANDS =
      Map.of(
          "info", entry(Main::info),
          "step", entry(StepCommand::run, HYPER_PARAMETERS, "variant", "in", "out", "dtype"),
          "ops", entry(OpsCommand::run, new String[0], "in", "out", "dtype"),
          "bench", entry(BenchCommand::train, TIMES, "variant", "critic-steps"),
          "bench-sample", entry(BenchCommand::sample, TIMES, "variant"),
          "bench-ops", entry(OpBenchCommand::run, new String[0], "warmup-seconds", "seconds"));

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private Main() {}

  /**
   * Loads the native libraries from {@code java.library.path}. JavaCPP's loader, switched off by
   * {@code -Dorg.bytedeco.javacpp.loadLibraries=false}, would demand the preset's OpenBLAS as well,
   * which the official libtorch does not use.
   */
  @SuppressWarnings("restricted")
  static void loadLibraries() {
    System.loadLibrary("jnijavacpp");
    System.loadLibrary("jnitorch");
    torch
        .globalContext()
        .setUserEnabledNNPACK(
            false); // oneDNN goes first, and NNPACK only warns where it cannot run
  }

  /** Runs one command and exits with its status. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  private static int run(String[] arguments) {
    try {
      Entry entry = arguments.length == 0 ? null : COMMANDS.get(arguments[0]);
      if (entry == null) {
        throw new Options.UsageException(
            "expected a command, one of "
                + new TreeSet<>(COMMANDS.keySet())
                + ", got "
                + Arrays.toString(arguments));
      }
      Options options = Options.parse(arguments, 1, entry.options);
      loadLibraries();
      int threads = options.count("threads", Runtime.getRuntime().availableProcessors());
      torch.set_num_threads(threads);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("command", arguments[0]);
      result.put("libtorch", torch.TORCH_VERSION);
      result.put("threads", torch.get_num_threads());
      try (var _ = new PointerScope()) {
        result.putAll(entry.command.run(options));
      }
      System.out.println(GSON.toJson(result));
      return 0;
    } catch (Options.UsageException e) {
      System.err.println("libtorch: " + e.getMessage());
      return 2;
    } catch (IOException | RuntimeException | UnsatisfiedLinkError e) {
      // The framework's own messages end in a stack trace of many lines; the first says what is
      // wrong.
      System.err.println(
          "libtorch: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString()));
      return 1;
    }
  }

  /** The number type of {@code --dtype}. */
  static ScalarType type(Options options, String otherwise) {
    String name = options.text("dtype", otherwise);
    return switch (name) {
      case "float32" -> ScalarType.Float;
      case "float64" -> ScalarType.Double;
      default -> throw new Options.UsageException("--dtype must be float32 or float64: " + name);
    };
  }

  private static Map<String, Object> info(Options options) {
    return Map.of(
        "configuration",
        torch.show_config().getString(),
        "parallel",
        torch.get_parallel_info().getString());
  }

  private static Entry entry(Command command, String[] some, String... others) {
    Set<String> names = new TreeSet<>(Arrays.asList(some));
    names.addAll(Arrays.asList(others));
    names.add("threads");
    return new Entry(names, command);
  }

  private static Entry entry(Command command) {
    return entry(command, new String[0]);
  }
}
