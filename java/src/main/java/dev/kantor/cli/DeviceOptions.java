package dev.kantor.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.util.List;
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
        "auto, cpu (its best instruction set), cpu-avx512, cpu-avx2, cpu-portable,",
        "reference (slow, to check the others).",
        "Default: auto."
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
    if (name.matches("cuda(:\\d+)?")) {
      throw new KantorException(
          Status.UNSUPPORTED,
          "this build has no CUDA back-end, so there is no device " + name + "; use --device cpu");
    }
    if (!NAMES.contains(name)) {
      throw new ParameterException(
          spec.commandLine(),
          "there is no device '" + name + "'; there are " + String.join(", ", NAMES));
    }
    if (count != null && count < 1) {
      throw new ParameterException(
          spec.commandLine(), "--threads is " + count + "; expected at least 1");
    }
    return Device.open(name.equals("auto") ? "cpu" : name, count == null ? 0 : count);
  }

  /** A device in a line, for people. */
  static String describe(Device device) {
    JsonObject d = json(device);
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
