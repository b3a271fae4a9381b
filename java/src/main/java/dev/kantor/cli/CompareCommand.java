package dev.kantor.cli;

import dev.kantor.cli.Tournament.Heat;
import dev.kantor.compare.Budget;
import dev.kantor.compare.Comparison;
import dev.kantor.compare.ComparisonJson;
import dev.kantor.compare.Contestant;
import dev.kantor.compare.Entry;
import dev.kantor.compare.ReportPage;
import dev.kantor.compare.RunResult;
import dev.kantor.compare.VerdictTable;
import dev.kantor.io.AtomicFile;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.Yardstick;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import dev.kantor.train.Evaluated;
import dev.kantor.train.Schedule;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "compare",
    description = "Trains several variants alike, measures them, and writes a report.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A contestant is a variant, or VARIANT+KEY=VALUE with settings of its own; +epochs=N,"
          + " +images=N or +minutes=M gives it a",
      "budget of its own. OUT/report.html, a page that needs no network, is written anew after each"
          + " training, and",
      "OUT/comparison.json with it. Each training has a folder in OUT, for kantor resume, sample"
          + " and watch.",
      "After Ctrl-C, or a power cut, the same command goes on where it was. More contestants and"
          + " seeds may be named then;",
      "whatever else is changed is refused.",
      "",
      "Examples:",
      "  kantor compare gan wgan wgan-gp --epochs 20 --seeds 3 --out runs/three",
      "  kantor compare gan gan+generator-loss=saturating --images 1000000",
      "  kantor compare wgan --sweep clip=0.005,0.05,0.5 --minutes 5"
    })
final class CompareCommand implements Callable<Integer> {
  private static final double DEFAULT_EPOCHS = 100;

  @Spec private CommandSpec spec;

  @Mixin private ContestantOptions contestants;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "Train each with N seeds. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1")
  private int seeds;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "The first seed. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1")
  private long seed;

  @ArgGroup private Length length = new Length();

  /** When to end. */
  private static final class Length {
    @Option(
        names = "--epochs",
        paramLabel = "N",
        description = "Train each for N passes over the data. Default: 100.")
    private Double epochs;

    @Option(
        names = "--images",
        paramLabel = "N",
        description = "Train each until its critic has seen N real images.")
    private Double images;

    @Option(names = "--minutes", paramLabel = "M", description = "Train each for M minutes.")
    private Double minutes;
  }

  @Option(
      names = "--data",
      paramLabel = "DATA",
      description = "As for kantor train. Default: auto.",
      defaultValue = "auto")
  private String data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where data sets are kept, as for kantor train.")
  private Path dataDir;

  @Option(names = "--limit", paramLabel = "N", description = "Train on the first N images only.")
  private Integer limit;

  @Option(
      names = "--evaluations",
      paramLabel = "N",
      description =
          "Evaluate the longest training N times, the others at the same numbers of images."
              + " Default: ${DEFAULT-VALUE}.",
      defaultValue = "10")
  private int evaluations;

  @Option(
      names = "--evaluate-count",
      paramLabel = "N",
      description =
          "Samples in an evaluation, beside as many training images. Default: ${DEFAULT-VALUE}.",
      defaultValue = "" + Schedule.DEFAULT_EVALUATE_COUNT)
  private int evaluateCount;

  @Mixin private JudgeOptions judges;

  @Option(
      names = "--fd-target",
      paramLabel = "FD",
      description = {
        "Report the images seen until this distance (of points: mode distance).",
        "Default: the best that the middle contestant reaches."
      })
  private Double target;

  @Mixin private DeviceOptions device;

  @Option(
      names = "--out",
      paramLabel = "OUT",
      description = "The folder to make, or to go on in. Default: runs/compare-date-time.")
  private Path out;

  @Option(
      names = "--dry-run",
      description = "Say what time it will take, evaluations included; write nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Tournament.Plan plan;
    try {
      requireSensible();
      plan =
          new Tournament.Plan(
              contestants.all(),
              budget(),
              seeds,
              seed,
              evaluations,
              evaluateCount,
              judges.judging(Map.of()));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    if (out != null && Files.exists(out) && !Files.isDirectory(out)) {
      throw new ParameterException(
          spec.commandLine(),
          out + " is a file; name a folder to make, or to go on in, with --out");
    }
    if (out == null) {
      String now = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now());
      out = Path.of("runs", "compare-" + now);
    }
    PrintWriter err = spec.commandLine().getErr();
    try (Device on = device.open(null, null, contestants.engine())) {
      Images images = Images.open(data, dataDir, limit, System.err);
      err.println(TrainCommand.firstLine(on, images));
      Tournament tournament = Tournament.of(plan, out, on, images);
      if (dryRun) {
        Forecast forecast =
            Forecast.measure(
                tournament.heats().subList(0, plan.contestants().size()),
                seeds,
                on,
                images,
                plan.judging());
        PrintWriter results = spec.commandLine().getOut();
        results.println(json ? forecast.toJson() : forecast);
        return Main.DONE;
      }
      Files.createDirectories(out);
      return compare(plan, tournament, on, images, err);
    } catch (KantorException e) {
      throw e.status() == Status.DEVICE_LOST ? lost(e) : e;
    }
  }

  private int compare(
      Tournament.Plan plan, Tournament tournament, Device on, Images images, PrintWriter err)
      throws IOException {
    Reference reference = reference(plan, on, images, err);
    Comparison.Setting setting =
        new Comparison.Setting(
            images.name(),
            plan.budget(),
            seeds,
            Optional.ofNullable(target),
            command(),
            DeviceOptions.describe(on),
            reference.real());
    int threads = DeviceOptions.json(on).get("threads").getAsInt();
    Heats heats =
        new Heats(
            images,
            plan.judging(),
            reference.judge(),
            on.name(),
            threads,
            err,
            () -> write(setting, plan, reference, tournament));
    boolean isDone;
    try (Interruption _ = new Interruption(heats::stop)) {
      isDone = heats.run(tournament.heats());
    }
    Comparison result = write(setting, plan, reference, tournament);
    if (!isDone) {
      err.println("interrupted, the state is saved; to go on: " + command());
      return Main.INTERRUPTED;
    }
    print(result);
    return Main.DONE;
  }

  /** The same error, and what there is to go on with: nothing can be read from the device. */
  private KantorException lost(KantorException e) {
    return new KantorException(
        Status.DEVICE_LOST,
        e.getMessage()
            + "\n"
            + (dryRun
                ? "nothing was written"
                : "trainings that have ended are kept, and the last checkpoint of every other one;"
                    + " to go on from there: "
                    + command()),
        e);
  }

  private void requireSensible() {
    if (seeds < 1 || evaluations < 1) {
      throw new IllegalArgumentException(
          "--seeds is " + seeds + " and --evaluations " + evaluations + "; expected at least 1");
    }
    if (evaluateCount <= JudgeDesign.FEATURES) {
      throw new IllegalArgumentException(
          "--evaluate-count is "
              + evaluateCount
              + "; a distance needs more than "
              + JudgeDesign.FEATURES);
    }
    if (limit != null && limit < 1) {
      throw new IllegalArgumentException("--limit is " + limit + "; expected at least 1");
    }
  }

  private Budget budget() {
    if (length.images != null) {
      return new Budget(Budget.Unit.IMAGES, length.images);
    }
    return length.minutes != null
        ? new Budget(Budget.Unit.MINUTES, length.minutes)
        : new Budget(Budget.Unit.EPOCHS, length.epochs != null ? length.epochs : DEFAULT_EPOCHS);
  }

  /**
   * Beside what the contestants are put.
   *
   * @param judge the checksum of the one that evaluates them; empty if none is needed
   * @param real how good it gets: held-out samples in its eyes
   */
  private record Reference(Optional<String> judge, Optional<Evaluated> real) {}

  private Reference reference(Tournament.Plan plan, Device on, Images images, PrintWriter err)
      throws IOException {
    // Trains the judge, if there is none yet, before several trainings want it.
    try (Yardstick yardstick = plan.judging().yardstick(on, images, evaluateCount, err)) {
      return new Reference(
          yardstick.judgedBy().map(Judge::sha256),
          EvaluateCommand.heldOut(yardstick, images, evaluateCount, err)
              .map(e -> new Evaluated(0, 0, 0, 0, Verdict.json(e, yardstick), Optional.empty())));
    }
  }

  private Comparison write(
      Comparison.Setting setting, Tournament.Plan plan, Reference reference, Tournament tournament)
      throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (Contestant c : plan.contestants()) {
      List<RunResult> runs = new ArrayList<>();
      for (Heat heat : tournament.heats()) {
        if (heat.contestant().equals(c) && Heats.isDone(heat, reference.judge())) {
          runs.add(RunResult.read(heat.run(), c));
        }
      }
      entries.add(new Entry(c, runs));
    }
    Comparison comparison = new Comparison(setting, entries);
    write(out.resolve("comparison.json"), ComparisonJson.of(comparison, out));
    write(out.resolve("report.html"), ReportPage.of(comparison));
    return comparison;
  }

  private static void write(Path file, String text) throws IOException {
    AtomicFile.write(file, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  private void print(Comparison result) throws IOException {
    PrintWriter results = spec.commandLine().getOut();
    if (json) {
      results.print(ComparisonJson.of(result, out));
      results.flush();
      return;
    }
    results.println(new VerdictTable(result).toText());
    result
        .claims()
        .forEach(c -> results.println(c.verdict() + ": " + c.text() + " " + c.numbers()));
    results.println(out.resolve("report.html"));
  }

  /** What goes on with this, or does it again. */
  private String command() {
    List<String> words = new ArrayList<>(spec.commandLine().getParseResult().originalArgs());
    if (!words.contains("--out")) {
      words.addAll(List.of("--out", out.toString()));
    }
    return "kantor " + String.join(" ", words.stream().map(Session::quoted).toList());
  }
}
