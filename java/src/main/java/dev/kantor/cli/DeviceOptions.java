package dev.kantor.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.nativelib.KantorException;
import dev.kantor.tensor.Device;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where to run. */
final class DeviceOptions {
  /** The setting that is a device's, not a model's: what computes its products. */
  static final String ENGINE = "engine";

  private static final String CUDNN_SUFFIX = "+cudnn";
  private static final List<String> NAMES =
      List.of("auto", "cpu", "cpu-avx512", "cpu-avx2", "cpu-portable", "reference");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = {
        "auto (the first GPU, if there is one, else cpu), cpu (its best instruction set),",
        "cpu-avx512, cpu-avx2, cpu-portable, reference (slow, to check the others),",
        "cuda, cuda:1, ... (NVIDIA GPUs), cuda:0+persistent (one kernel for many iterations of",
        "a dense variant, in place of CUDA graphs), cuda:0+serial (graphs whose kernels do not",
        "overlap); all give the same numbers. Default: auto."
      })
  private String device;

  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Threads; changes no result. Default: all processors.")
  private Integer threads;

  /**
   * Opens the device that the options name, else the one of a configuration file.
   *
   * @param engine see {@link #named}
   */
  Device open(String configuredDevice, Integer configuredThreads, String engine) {
    String chosen = device != null ? device : configuredDevice != null ? configuredDevice : "auto";
    String name = named(spec, chosen, engine);
    Integer count = threads != null ? threads : configuredThreads;
    if (!NAMES.contains(name)
        && !name.matches("cuda(:\\d{1,4})?(\\+(graph|serial|persistent|cudnn))*")) {
      throw new ParameterException(
          spec.commandLine(),
          "there is no device '"
              + name
              + "'; there are "
              + String.join(", ", NAMES)
              + ", cuda, cuda:1, ..., each of these also with +graph, +serial or +persistent");
    }
    if (count != null && count < 1) {
      throw new ParameterException(
          spec.commandLine(), "--threads is " + count + "; expected at least 1");
    }
    Device opened = Device.open(name, count == null ? 0 : count);
    if (name.equals("auto")) {
      PrintWriter err = spec.commandLine().getErr();
      JsonObject d = json(opened);
      if (d.has("note")) {
        err.println("kantor: runs on the CPU: " + oneLine(d.get("note").getAsString()));
      } else if (isGpu(d)) {
        err.println("kantor: takes the GPU, " + describe(opened) + "; --device cpu would not");
      }
    }
    return opened;
  }

  /**
   * A device's name with an engine: cuDNN and cuBLAS in place of Kantor's kernels for products and
   * convolutions are a part of it, {@code cuda:0+cudnn}.
   *
   * @param engine kantor or cudnn; null: what the name says
   * @throws ParameterException if there is no such engine, or the device has none
   */
  static String named(CommandSpec spec, String device, String engine) {
    if (engine == null) {
      return device;
    }
    String bare = device.replace(CUDNN_SUFFIX, "");
    switch (engine) {
      case "kantor":
        return bare;
      case "cudnn":
        if (bare.equals("auto") || bare.startsWith("cuda")) {
          return (bare.equals("auto") ? "cuda" : bare) + CUDNN_SUFFIX;
        }
        throw new ParameterException(
            spec.commandLine(),
            "engine=cudnn needs a GPU, and '" + bare + "' is none: choose one with --device cuda");
      default:
        throw new ParameterException(
            spec.commandLine(), "there is no engine '" + engine + "'; there are kantor and cudnn");
    }
  }

  /** What is set of the model: all but the engine. */
  static Map<String, String> settings(Map<String, String> set) {
    Map<String, String> ofTheModel = new LinkedHashMap<>(set);
    ofTheModel.remove(ENGINE);
    return ofTheModel;
  }

  /** The native core's text, which has one cause on a line. */
  private static String oneLine(String text) {
    return String.join("; ", text.strip().lines().toList());
  }

  private static boolean isGpu(JsonObject description) {
    return description.has("computeCapability");
  }

  /** The GPUs of this machine in a line, or why none can be used. */
  static String gpus(Device device) {
    if (isGpu(json(device))) {
      return gpus(json(device));
    }
    try (Device gpu = Device.open("cuda:0", 0)) {
      return gpus(json(gpu));
    } catch (KantorException e) {
      return "none: " + e.getMessage().strip().lines().reduce((_, last) -> last).orElse("");
    }
  }

  private static String gpus(JsonObject gpu) {
    List<String> names = new ArrayList<>();
    for (JsonElement name : gpu.getAsJsonArray("devices")) {
      names.add("cuda:" + names.size() + " (" + name.getAsString() + ")");
    }
    return String.join(", ", names)
        + "; driver for CUDA "
        + gpu.get("driver").getAsString()
        + ", runtime "
        + gpu.get("runtime").getAsString();
  }

  /** A device in a line, for people. */
  static String describe(Device device) {
    JsonObject d = json(device);
    if (isGpu(d)) {
      return String.format(
          Locale.ROOT,
          "%s (%s, compute capability %s, %s%.1f of %.1f GiB free)",
          d.get("name").getAsString(),
          d.get("processor").getAsString(),
          d.get("computeCapability").getAsString(),
          libraries(d),
          d.get("freeBytes").getAsLong() / (double) (1L << 30),
          d.get("memoryBytes").getAsLong() / (double) (1L << 30));
    }
    int threads = d.get("threads").getAsInt();
    return d.get("name").getAsString()
        + " ("
        + d.get("isa").getAsString()
        + ", "
        + threads
        + (threads == 1 ? " thread" : " threads")
        + ", "
        + d.get("processor").getAsString()
        + ")";
  }

  private static String libraries(JsonObject gpu) {
    return gpu.has("cudnn")
        ? "cuDNN "
            + gpu.get("cudnn").getAsString()
            + " and cuBLAS "
            + gpu.get("cublas").getAsString()
            + ", "
        : "";
  }

  /** What the native core says of a device. */
  static JsonObject json(Device device) {
    return JsonParser.parseString(device.describe()).getAsJsonObject();
  }
}
