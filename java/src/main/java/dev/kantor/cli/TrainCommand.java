package dev.kantor.cli;

import com.google.gson.JsonObject;
import dev.kantor.gan.Model;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Precision;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Schedule;
import dev.kantor.train.Training;
import dev.kantor.watch.WatchServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "train",
    description = "Trains a variant in a new folder.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "The preset of the variant gives way to the configuration file, that to options, and those to"
          + " --set.",
      "Ctrl-C saves the state after the current iteration and says how to go on; a second one quits"
          + " at once.",
      "",
      "Examples:",
      "  kantor train wgan-gp --epochs 100",
      "  kantor train gan --data glyphs --minutes 5 --set generator-loss=saturating --out"
          + " runs/saturating",
      "  kantor train wgan-gp --dry-run"
    })
final class TrainCommand implements Callable<Integer> {
  private static final double DEFAULT_EPOCHS = 100;
  private static final long DEFAULT_SEED = 1;
  private static final int DEFAULT_KEEP = 3;
  private static final String WHOLE = "a whole number";
  private static final Set<String> NOT_IN_FILES =
      Set.of(
          "set",
          "config",
          "dry-run",
          "watch",
          "port",
          "tensorboard",
          "json",
          "help",
          "version",
          "verbose");

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "VARIANT",
      description = "${COMPLETION-CANDIDATES}.",
      completionCandidates = Variants.class)
  private String variant;

  @Option(
      names = "--data",
      paramLabel = "DATA",
      description = {
        "auto (MNIST if it can be had, else glyphs), mnist, fashion-mnist, glyphs (drawn by the"
            + " program), stacked-mnist",
        "(in colour), ring or grid (points of the plane), or a FOLDER of pictures.",
        "Default: auto."
      })
  private String data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = {
        "Where data sets are kept. Default: the environment's KANTOR_DATA, else ~/.cache/kantor."
      })
  private Path dataDir;

  @Option(names = "--limit", paramLabel = "N", description = "Train on the first N images only.")
  private Integer limit;

  @ArgGroup private Length length = new Length();

  /** When to end. */
  private static final class Length {
    @Option(
        names = "--epochs",
        paramLabel = "N",
        description = "Train for N passes over the data. Default: 100.")
    private Long epochs;

    @Option(
        names = "--iterations",
        paramLabel = "N",
        description =
            "Train for N iterations: critic-steps updates of the critic, then one of the"
                + " generator.")
    private Long iterations;

    @Option(names = "--minutes", paramLabel = "M", description = "Train for M minutes.")
    private Double minutes;
  }

  @Option(names = "--batch-size", paramLabel = "B", description = "The setting batch-size.")
  private Long batchSize;

  @Option(names = "--critic-steps", paramLabel = "K", description = "The setting critic-steps.")
  private Long criticSteps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Decides every random number. Default: 1.")
  private Long seed;

  @Mixin private DeviceOptions device;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description =
          "What a GPU rounds the factors of products to: fp32 (not at all), tf32 or bf16 (a"
              + " gradient penalty: tf32). A CPU takes fp32. Default: fp32, so that a run can go on"
              + " on any device.")
  private String precision;

  @Option(
      names = "--out",
      paramLabel = "RUN",
      description = "The folder to make, see kantor help runs. Default: runs/VARIANT-date-time.")
  private Path out;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = {
        "A setting; may be repeated. kantor info --settings VARIANT lists all. engine=cudnn has",
        "cuDNN and cuBLAS, where they are installed, compute products and convolutions on a GPU."
      })
  private Map<String, String> set = new LinkedHashMap<>();

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = {
        "Lines key = value: settings, and these options without their hyphens in front.",
        "See kantor help settings."
      })
  private Path config;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description = "Save the state every N epochs. Default: 1.")
  private Long checkpointEvery;

  @Option(
      names = "--keep",
      paramLabel = "K",
      description = "Keep the last K checkpoints, and the best. Default: 3.")
  private Integer keep;

  @Option(
      names = "--log-every",
      paramLabel = "N",
      description =
          "A row of the metrics is the mean of N iterations. Default: such that an epoch has about"
              + " 100 rows.")
  private Long logEvery;

  @Mixin private EvaluationOptions evaluation;

  @Mixin private BroadcastOptions broadcast;

  @Option(
      names = "--dry-run",
      description = "Say what memory and time it will take; write nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** Options of the configuration file that were not given on the command line. */
  private Map<String, String> configured = new LinkedHashMap<>();

  /** The names of the variants. */
  private static final class Variants extends ArrayList<String> {
    private static final long serialVersionUID = 1;

    Variants() {
      super(Variant.names());
    }
  }

  @Override
  public Integer call() throws IOException {
    Settings settings;
    Goal goal;
    Schedule schedule;
    Judging judging;
    long theSeed;
    Precision chosen;
    try {
      settings = settings();
      theSeed = option("seed", seed, Long::valueOf, WHOLE, DEFAULT_SEED);
      goal = goal();
      schedule = schedule();
      judging = evaluation.judging(configured);
      limit = option("limit", limit, Integer::valueOf, WHOLE, null);
      if (limit != null && limit < 1) {
        throw new IllegalArgumentException("limit is " + limit + "; expected at least 1");
      }
      chosen =
          Precision.of(
              option(
                  "precision",
                  precision,
                  Function.identity(),
                  "a name",
                  Precision.FP32.toString()));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    String name =
        variant + "-" + DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now());
    out = option("out", out, Path::of, "a folder", Path.of("runs", name));
    if (!dryRun) {
      RunFolder.requireFree(out);
    }
    PrintWriter err = spec.commandLine().getErr();
    String deviceName = option("device", null, Function.identity(), "a name", null);
    try (Device on =
        device.open(deviceName, option("threads", null, Integer::valueOf, WHOLE, null), engine())) {
      Session.requirePrecision(on, chosen);
      String dataName = option("data", data, Function.identity(), "a name", "auto");
      Path folderOfSets = option("data-dir", dataDir, Path::of, "a folder", null);
      Images images = Images.open(dataName, folderOfSets, limit, System.err);
      err.println(firstLine(on, images) + (chosen == Precision.FP32 ? "" : "; " + chosen));
      try (Session session = session(on, settings, images, theSeed, chosen)) {
        return dryRun
            ? plan(on, session, images, goal, schedule, judging)
            : train(session, goal, schedule, judging);
      }
    }
  }

  static String firstLine(Device device, Images images) {
    return String.format(
        Locale.ROOT,
        "%s; %s, %s",
        DeviceOptions.describe(device),
        images.name(),
        images.form().describe(images.count()));
  }

  private Session session(
      Device on, Settings settings, Images images, long theSeed, Precision chosen) {
    try {
      return Room.session(on, settings, images, theSeed, chosen);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private int train(Session session, Goal goal, Schedule draft, Judging judging)
      throws IOException {
    // What is not given depends on the data.
    boolean isGiven = option("log-every", logEvery, Long::valueOf, WHOLE, null) != null;
    Schedule schedule =
        isGiven ? draft : draft.withLogEvery(Training.defaultLogEvery(session.job()));
    PrintWriter err = spec.commandLine().getErr();
    Map<String, String> more = schedule.evaluates() ? judging.values() : Map.of();
    Manifest manifest = session.manifest(goal, schedule, more);
    // A port that is taken, or data that cannot be judged, are noticed before there is a folder.
    try (WatchServer _ = broadcast.page(out);
        Yardstick yardstick = session.yardstick(schedule, judging, err)) {
      int status = session.begin(out, manifest, yardstick, broadcast, err);
      if (status == Main.DONE) {
        report(RunFolder.open(out));
      }
      return status;
    }
  }

  private Schedule schedule() {
    return evaluation.schedule(
        new Schedule(
            option("log-every", logEvery, Long::valueOf, WHOLE, 1L),
            option("checkpoint-every", checkpointEvery, Long::valueOf, WHOLE, 1L),
            option("keep", keep, Integer::valueOf, WHOLE, DEFAULT_KEEP),
            option("evaluate-every", null, Long::valueOf, WHOLE, 0L),
            option(
                "evaluate-count", null, Integer::valueOf, WHOLE, Schedule.DEFAULT_EVALUATE_COUNT)));
  }

  private void report(RunFolder folder) throws IOException {
    PrintWriter results = spec.commandLine().getOut();
    if (!json) {
      results.println(folder.path());
      return;
    }
    JsonObject o = new JsonObject();
    o.addProperty("run", folder.path().toString());
    o.add("metrics", InfoCommand.lastMetrics(folder));
    results.println(o);
  }

  private int plan(
      Device on, Session session, Images images, Goal goal, Schedule schedule, Judging judging)
      throws IOException {
    Optional<Estimate.Evaluations> evaluations =
        schedule.evaluates()
            ? Optional.of(Estimate.Evaluations.measure(session, images, goal, schedule, judging))
            : Optional.empty();
    Estimate estimate =
        Estimate.measure(on, session.job(), images.samples().data().byteSize(), goal, evaluations);
    spec.commandLine().getOut().println(json ? estimate.toJson() : estimate.toString());
    return Main.DONE;
  }

  private Settings settings() throws IOException {
    Settings s = Variant.of(variant).settings();
    Map<String, String> fromFile = config == null ? Map.of() : ConfigFile.read(config);
    for (Map.Entry<String, String> e : fromFile.entrySet()) {
      if ((isOption(e.getKey()) || e.getKey().equals(DeviceOptions.ENGINE)) && !s.has(e.getKey())) {
        configured.put(e.getKey(), e.getValue());
      } else {
        s = s.with(e.getKey(), e.getValue());
      }
    }
    s = batchSize == null ? s : s.with("batch-size", batchSize.toString());
    s = criticSteps == null ? s : s.with("critic-steps", criticSteps.toString());
    for (Map.Entry<String, String> e : DeviceOptions.settings(set).entrySet()) {
      if (isOption(e.getKey()) && !s.has(e.getKey())) {
        throw new IllegalArgumentException(
            e.getKey()
                + " is an option, not a setting: write --"
                + e.getKey()
                + " "
                + e.getValue());
      }
      s = s.with(e.getKey(), e.getValue());
    }
    // Finds what is wrong with a value before anything is opened.
    Model.of(s, 1, 28, 28);
    return s;
  }

  private String engine() {
    return option(
        DeviceOptions.ENGINE, set.get(DeviceOptions.ENGINE), Function.identity(), "a name", null);
  }

  private boolean isOption(String key) {
    return !NOT_IN_FILES.contains(key) && spec.findOption("--" + key) != null;
  }

  private Goal goal() {
    Map<String, Object> given = new LinkedHashMap<>();
    for (Goal.Unit unit : Goal.Unit.values()) {
      Object value =
          switch (unit) {
            case EPOCHS -> length.epochs;
            case ITERATIONS -> length.iterations;
            case MINUTES -> length.minutes;
          };
      if (value != null) {
        return new Goal(unit, ((Number) value).doubleValue());
      }
      if (configured.containsKey(unit.toString())) {
        given.put(
            unit.toString(), option(unit.toString(), null, Double::valueOf, "a number", null));
      }
    }
    if (given.size() > 1) {
      throw new IllegalArgumentException(
          config + ": " + String.join(" and ", given.keySet()) + " exclude each other");
    }
    for (Goal.Unit unit : Goal.Unit.values()) {
      if (given.get(unit.toString()) instanceof Double amount) {
        return new Goal(unit, amount);
      }
    }
    return new Goal(Goal.Unit.EPOCHS, DEFAULT_EPOCHS);
  }

  /** The value of the command line, else of the configuration file, else the default. */
  private <T> T option(
      String name, T given, Function<String, T> parse, String expected, T otherwise) {
    String text = configured.get(name);
    if (given != null || text == null) {
      return given != null ? given : otherwise;
    }
    try {
      return parse.apply(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          config + ": " + name + " is '" + text + "'; expected " + expected, e);
    }
  }
}
