package dev.kantor.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.DataSets;
import dev.kantor.gan.Learner;
import dev.kantor.gan.Model;
import dev.kantor.gan.Samples;
import dev.kantor.gan.Setting;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.nativelib.Native;
import dev.kantor.tensor.Device;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "info",
    description = "Describes this machine, a variant's settings, a variant's program, or a run.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Examples:",
      "  kantor info",
      "  kantor info --settings wgan-gp",
      "  kantor info --program wgan-gp --set critic-steps=1",
      "  kantor info runs/first"
    })
final class InfoCommand implements Callable<Integer> {
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final Size MNIST = new Size(1, 28, 28);

  @Spec private CommandSpec spec;

  @ArgGroup private Subject subject = new Subject();

  /** What to describe. */
  private static final class Subject {
    @Parameters(
        arity = "0..1",
        paramLabel = "RUN",
        description = "The folder of a run: what it is and its last metrics.")
    private Path run;

    @Option(
        names = "--settings",
        paramLabel = "VARIANT",
        description = "The settings: name, default, meaning, source.")
    private String settings;

    @Option(
        names = "--program",
        paramLabel = "VARIANT",
        description =
            "An iteration, for images of 28 x 28: the graph as written, the kernels that run, and"
                + " the floor.")
    private String program;
  }

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting, with --program; engine=cudnn of a GPU.")
  private Map<String, String> set = new LinkedHashMap<>();

  @Mixin private DeviceOptions device;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (subject.run != null) {
      describeRun(RunFolder.open(subject.run), out);
    } else if (subject.settings != null) {
      describeSettings(variant(subject.settings).settings(), out);
    } else if (subject.program != null) {
      describeProgram(out);
    } else {
      describeMachine(out);
    }
    out.flush();
    return Main.DONE;
  }

  private Variant variant(String name) {
    try {
      return Variant.of(name);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void describeMachine(PrintWriter out) {
    Path sets = DataSets.defaultDataDir();
    List<String> there =
        List.of("mnist", "fashion-mnist").stream()
            .filter(s -> Files.isDirectory(sets.resolve(s)))
            .toList();
    try (Device on = device.open(null, null, set.get(DeviceOptions.ENGINE))) {
      if (json) {
        JsonObject o = new JsonObject();
        o.addProperty("kantor", Versions.kantor());
        o.addProperty("nativeAbi", Native.abiVersion());
        o.addProperty("java", Versions.java());
        o.add("device", DeviceOptions.json(on));
        o.addProperty("gpus", DeviceOptions.gpus(on));
        o.addProperty("dataDir", sets.toString());
        JsonArray names = new JsonArray();
        there.forEach(names::add);
        o.add("dataSets", names);
        out.println(PRETTY.toJson(o));
        return;
      }
      line(out, "kantor", Versions.kantor() + ", native interface " + Native.abiVersion());
      line(out, "java", Versions.java());
      line(out, "device", DeviceOptions.describe(on));
      line(out, "gpus", DeviceOptions.gpus(on));
      line(
          out,
          "data folder",
          sets
              + (there.isEmpty()
                  ? " (empty; glyphs need no files)"
                  : " (" + String.join(", ", there) + ")"));
    }
  }

  private void describeSettings(Settings settings, PrintWriter out) {
    if (json) {
      JsonArray all = new JsonArray();
      for (Setting s : settings.all()) {
        JsonObject o = new JsonObject();
        o.addProperty("name", s.name());
        o.addProperty("default", s.value());
        o.addProperty("meaning", s.meaning());
        o.addProperty("source", s.source());
        all.add(o);
      }
      out.println(PRETTY.toJson(all));
      return;
    }
    out.printf(Locale.ROOT, "%-24s %-16s %-72s %s%n", "name", "default", "meaning", "source");
    for (Setting s : settings.all()) {
      out.printf(
          Locale.ROOT, "%-24s %-16s %-72s %s%n", s.name(), s.value(), s.meaning(), s.source());
    }
  }

  private void describeProgram(PrintWriter out) {
    Model model;
    try {
      model =
          Model.of(
              variant(subject.program).settings().with(DeviceOptions.settings(set)),
              MNIST.channels(),
              MNIST.height(),
              MNIST.width());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    try (Device on = device.open(null, null, set.get(DeviceOptions.ENGINE));
        Arena arena = Arena.ofConfined();
        State state = new State(on);
        Learner learner =
            new Learner(model, state, blank(model, arena), 1, Program.Options.DEFAULT)) {
      Program p = learner.job().iteration();
      Machine machine = Machine.measure(on);
      if (json) {
        JsonObject o = new JsonObject();
        o.addProperty("nodes", p.graph().size());
        o.addProperty("kernels", p.kernelCount());
        o.addProperty("flopsAsWritten", p.graph().flops());
        o.addProperty("flops", p.flops());
        o.addProperty("bytes", p.bytes());
        o.addProperty("arenaBytes", p.arenaBytes());
        o.addProperty("floorSeconds", machine.floorSeconds(p.flops()));
        o.addProperty("measuredFlopsPerSecond", machine.flopsPerSecond());
        o.addProperty("measuredBytesPerSecond", machine.bytesPerSecond());
        o.add("native", JsonParser.parseString(p.describeNative()));
        out.println(PRETTY.toJson(o));
        return;
      }
      out.println("As written: " + p.graph().size() + " nodes");
      out.println(p.graph());
      out.println("As it runs: " + p.kernelCount() + " kernels");
      out.println(p.describe());
      line(
          out,
          "arithmetic",
          String.format(
              Locale.ROOT,
              "%.1f MFLOP as written, %.1f MFLOP as it runs",
              p.graph().flops() / 1e6,
              p.flops() / 1e6));
      if (DeviceOptions.json(on).get("kind").getAsString().equals("cuda")) {
        JsonObject built = JsonParser.parseString(p.describeNative()).getAsJsonObject();
        line(out, "graph", built.get("stages").getAsInt() + " nodes an iteration");
        if (built.has("engineInstructions")) {
          int byLibraries = built.get("engineInstructions").getAsInt();
          line(
              out,
              "engine",
              byLibraries
                  + " of the kernels are calls of cuBLAS and cuDNN, each counted as a node");
        }
      }
      line(
          out,
          "memory",
          String.format(
              Locale.ROOT,
              "%.1f MB cross the kernels' borders, %.1f MB working memory",
              p.bytes() / 1e6,
              p.arenaBytes() / 1e6));
      line(
          out,
          "floor",
          String.format(
              Locale.ROOT,
              "%.3f ms an iteration for the arithmetic; %.3f ms if all those bytes came from memory"
                  + " (%s)",
              1e3 * machine.floorSeconds(p.flops()),
              1e3 * p.bytes() / machine.bytesPerSecond(),
              machine));
    }
  }

  /** A batch of images: their content and number do not change the program. */
  private static Samples blank(Model model, Arena arena) {
    long count = model.batchSize();
    return new Samples(
        arena.allocate(count * MNIST.numbers(), 64),
        model.classes() == 0 ? Optional.empty() : Optional.of(arena.allocate(4 * count, 64)),
        count,
        model.classes());
  }

  private void describeRun(RunFolder folder, PrintWriter out) throws IOException {
    Manifest manifest = folder.manifest();
    List<Long> checkpoints = folder.iterations();
    JsonObject last = lastMetrics(folder);
    Optional<Evaluated> best = Evaluated.best(EvaluationLog.read(folder.path()));
    if (json) {
      JsonObject o = new JsonObject();
      o.add("manifest", JsonParser.parseString(manifest.toJson()));
      o.add("metrics", last);
      JsonArray all = new JsonArray();
      checkpoints.forEach(all::add);
      o.add("checkpoints", all);
      best.ifPresent(b -> o.addProperty("best", b.iteration()));
      out.println(PRETTY.toJson(o));
      return;
    }
    manifest.configuration().forEach((name, value) -> line(out, name, value));
    out.println();
    manifest.environment().forEach((name, value) -> line(out, name, value));
    line(out, "goal", manifest.goal().toString());
    line(out, "checkpoints", checkpoints.isEmpty() ? "none yet" : checkpoints.toString());
    best.ifPresent(b -> line(out, "best", b.iteration() + ": " + Verdict.inBrief(b)));
    out.println();
    last.asMap().forEach((name, value) -> line(out, name, value.getAsString()));
  }

  /** The last row of a run's metrics, empty if there is none. */
  static JsonObject lastMetrics(RunFolder folder) throws IOException {
    JsonObject o = new JsonObject();
    if (Files.exists(folder.path().resolve("metrics.csv"))) {
      MetricsLog.Table table = MetricsLog.read(folder.path());
      if (!table.rows().isEmpty()) {
        double[] row = table.rows().getLast();
        for (int i = 0; i < row.length; i++) {
          boolean whole = row[i] == Math.rint(row[i]) && Math.abs(row[i]) < 1e15;
          o.addProperty(table.columns().get(i), whole ? (Number) (long) row[i] : (Number) row[i]);
        }
      }
    }
    return o;
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf(Locale.ROOT, "%-24s %s%n", name, value);
  }
}
