package dev.kantor.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.nativelib.KantorException;
import dev.kantor.tensor.Device;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where to run. */
final class DeviceOptions {
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

  /** Opens the device that the options name, else the one of a configuration file. */
  Device open(String configuredDevice, Integer configuredThreads) {
    String name = device != null ? device : configuredDevice != null ? configuredDevice : "auto";
    Integer count = threads != null ? threads : configuredThreads;
    if (!NAMES.contains(name) && !name.matches("cuda(:\\d{1,4})?(\\+(graph|serial|persistent))?")) {
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
          "%s (%s, compute capability %s, %.1f of %.1f GiB free)",
          d.get("name").getAsString(),
          d.get("processor").getAsString(),
          d.get("computeCapability").getAsString(),
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

  /** What the native core says of a device. */
  static JsonObject json(Device device) {
    return JsonParser.parseString(device.describe()).getAsJsonObject();
  }
}
