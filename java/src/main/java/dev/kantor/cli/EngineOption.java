package dev.kantor.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What computes products and convolutions on a GPU, for commands that set nothing else. */
final class EngineOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--set",
      paramLabel = "engine=E",
      description = {
        "What computes products and convolutions on a GPU: kantor, or cudnn (cuDNN and cuBLAS,",
        "where they are installed). Default: kantor."
      })
  private Map<String, String> set = new LinkedHashMap<>();

  /**
   * The engine, or null.
   *
   * @throws ParameterException if something else is set
   */
  String engine() {
    for (String name : set.keySet()) {
      if (!name.equals(DeviceOptions.ENGINE)) {
        throw new ParameterException(
            spec.commandLine(),
            "'" + name + "' cannot be set here; " + DeviceOptions.ENGINE + " is all that can");
      }
    }
    return set.get(DeviceOptions.ENGINE);
  }
}
