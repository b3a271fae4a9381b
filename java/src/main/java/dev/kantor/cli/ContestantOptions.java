package dev.kantor.cli;

import dev.kantor.compare.Contestant;
import dev.kantor.gan.Model;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is compared. */
final class ContestantOptions {
  @Parameters(
      paramLabel = "CONTESTANT",
      arity = "1..*",
      description = "Variants, with settings of their own or not.")
  private List<String> names;

  @Option(
      names = "--sweep",
      paramLabel = "KEY=V,V,...",
      description = {
        "Each contestant with each of these values of a setting; those that it changes nothing in,"
            + " once.",
        "Values that have commas in them are separated by semicolons."
      })
  private Map<String, String> sweeps = new LinkedHashMap<>();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of all contestants that have it, or engine=cudnn; may be repeated.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Option(names = "--batch-size", paramLabel = "B", description = "The setting batch-size.")
  private Long batchSize;

  /**
   * All contestants, in their order.
   *
   * @throws IllegalArgumentException if there is no such variant or setting, or one is there twice
   */
  List<Contestant> all() {
    List<Contestant> all = names.stream().map(Contestant::parse).toList();
    for (Map.Entry<String, String> e : sweeps.entrySet()) {
      requireKnown(all, e.getKey());
      List<Contestant> swept = new ArrayList<>();
      for (Contestant c : all) {
        swept.addAll(swept(c, e.getKey(), e.getValue()));
      }
      all = swept;
    }
    Map<String, String> shared = new LinkedHashMap<>();
    if (batchSize != null) {
      shared.put("batch-size", batchSize.toString());
    }
    shared.putAll(DeviceOptions.settings(set));
    for (Map.Entry<String, String> e : shared.entrySet()) {
      requireKnown(all, e.getKey());
      all = all.stream().map(c -> c.sharing(e.getKey(), e.getValue())).toList();
    }
    List<String> labels = all.stream().map(Contestant::label).toList();
    for (String label : labels) {
      if (labels.indexOf(label) != labels.lastIndexOf(label)) {
        throw new IllegalArgumentException(
            label + " is there twice; a contestant is compared with others");
      }
    }
    return all;
  }

  /** What the device computes products with, see {@link DeviceOptions#named}, or null. */
  String engine() {
    return set.get(DeviceOptions.ENGINE);
  }

  private static void requireKnown(List<Contestant> all, String name) {
    if (all.stream().noneMatch(c -> c.settings().has(name))) {
      all.getFirst().with(name, ""); // names the nearest
    }
  }

  private static List<Contestant> swept(Contestant c, String name, String values) {
    List<Contestant> swept = new ArrayList<>();
    if (c.settings().has(name) && !c.own().containsKey(name)) {
      for (String value : values.split(values.contains(";") ? ";" : ",")) {
        swept.add(c.with(name, value.strip()));
      }
    }
    boolean changesNothing =
        swept.stream()
            .allMatch(
                s -> Model.of(s.settings(), 1, 28, 28).equals(Model.of(c.settings(), 1, 28, 28)));
    return changesNothing ? List.of(c) : swept;
  }
}
