package dev.kantor.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.kantor.data.DataSets;
import dev.kantor.gan.Sampler;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Precision;
import dev.kantor.graph.Program;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "bench",
    description = "Times training iterations and sampling on this machine.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "An iteration is one update of the critic and one of the generator, on MNIST if it is in the"
          + " data folder, else on glyphs.",
      "Rounds of Kantor and of its rival take turns, so that both meet the same machine. min is the"
          + " fastest iteration of all rounds,",
      "median the median of the rounds' medians, cpu the processor time of all threads; ratios are"
          + " the rival's time over Kantor's.",
      "GFLOP/s and the share of the peak are those of the fastest iteration; the peak is a large"
          + " matrix product's, measured in every",
      "round; the floor is the time that the iteration's arithmetic takes at the peak.",
      "",
      "Examples:",
      "  kantor bench",
      "  kantor bench --variants wgan-gp --batch-sizes 64 --threads 1 --against libtorch"
    })
final class BenchCommand implements Callable<Integer> {
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final String LIBTORCH = "libtorch";
  private static final String TIMES = "%8.3f %8.3f %8.3f";
  private static final String RATIOS = "%8.2f %7.2f %7.2f";
  private static final int SAMPLES = 64;
  private static final long SEED = 1;

  /**
   * Rounds of Kantor warm up for this share of the measured time, which is enough: nothing is
   * compiled any more.
   */
  private static final double WARM_UP = 0.25;

  /** libtorch runs in a JVM of its own, which has yet to compile. */
  private static final double RIVAL_WARM_UP_SECONDS = 1.5;

  @Spec private CommandSpec spec;

  @Option(
      names = "--variants",
      paramLabel = "A,B",
      split = ",",
      defaultValue = "gan,wgan,wgan-gp",
      description = "Default: ${DEFAULT-VALUE}.")
  private List<String> variants;

  @Option(
      names = "--batch-sizes",
      paramLabel = "N,N",
      split = ",",
      defaultValue = "64,512",
      description = "Default: ${DEFAULT-VALUE}.")
  private List<Integer> batchSizes;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = {
        "Time iterations on this device, a GPU for one: cuda, cuda:1. Many are replayed in",
        "one call, a window of about 0.1 s. Without it: single iterations on the CPU, and samples."
      })
  private String deviceName;

  @Mixin private EngineOption engine;

  @Option(
      names = "--precision",
      paramLabel = "P",
      defaultValue = "fp32",
      description = "As in train, of --device. Default: ${DEFAULT-VALUE}.")
  private String precision;

  @Option(
      names = "--threads",
      paramLabel = "T,T",
      split = ",",
      defaultValue = "1,2",
      description = "Default: ${DEFAULT-VALUE}.")
  private List<Integer> threads;

  @Option(
      names = "--against",
      paramLabel = "RIVAL",
      description = "libtorch: time it too. It is built in a checkout, see bench/libtorch.")
  private String against;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "2",
      description = "Of a round. Default: ${DEFAULT-VALUE}.")
  private double seconds;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write all that was measured to a file.")
  private Path json;

  /** The fastest product that was seen, operations a second, by threads. */
  private final Map<Integer, Double> peaks = new TreeMap<>();

  /**
   * What is timed: an iteration of a variant, or the drawing of a batch of samples from it.
   *
   * @param flops of an iteration
   * @param ours rounds of Kantor
   * @param theirs rounds of the rival, none if it was not asked or cannot do this
   */
  private record Result(
      String variant, int batch, int threads, long flops, List<Timing> ours, List<Timing> theirs) {}

  @Override
  public Integer call() throws IOException {
    check();
    if (deviceName != null) {
      return callInWindows();
    }
    Rival rival = against == null ? null : Rival.find();
    Images images = images();
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    JsonObject report = new JsonObject();
    try (Device device = Device.open("cpu", 0)) {
      out.println(TrainCommand.firstLine(device, images));
      report.add("device", DeviceOptions.json(device));
    }
    List<Result> iterations = new ArrayList<>();
    for (String variant : variants) {
      for (int batch : batchSizes) {
        for (int t : threads) {
          err.println("timing " + variant + ", batch " + batch + ", " + count(t, "thread"));
          iterations.add(iteration(variant, batch, t, images, rival));
        }
      }
    }
    List<Result> samplings = new ArrayList<>();
    for (String variant : variants) {
      if (!Variant.of(variant).family().draws()) {
        continue;
      }
      for (int t : threads) {
        err.println("timing samples of " + variant + ", " + count(t, "thread"));
        samplings.add(sampling(variant, t, images, rival));
      }
    }
    peaks.forEach(
        (t, flops) ->
            out.printf(
                Locale.ROOT, "peak with %s: %.1f GFLOP/s%n", count(t, "thread"), flops / 1e9));
    print(iterations, out);
    printSamplings(samplings, out);
    if (json != null) {
      report.addProperty("java", Versions.java());
      report.addProperty("data", images.name());
      report.add("iterations", iterationsToJson(iterations));
      report.add("sampling", samplingsToJson(samplings));
      Files.writeString(json, PRETTY.toJson(report) + "\n");
    }
    return Main.DONE;
  }

  private static Images images() throws IOException {
    return Images.open(
        Files.isDirectory(DataSets.defaultDataDir().resolve("mnist")) ? "mnist" : "glyphs",
        null,
        null,
        System.err);
  }

  private int callInWindows() throws IOException {
    Precision chosen;
    try {
      chosen = Precision.of(precision);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Images images = images();
    JsonObject report = new JsonObject();
    JsonArray all = new JsonArray();
    try (Device device = Device.open(DeviceOptions.named(spec, deviceName, engine.engine()), 0)) {
      double start = Windows.processSeconds();
      out.println(TrainCommand.firstLine(device, images));
      out.println(Windows.HEADER);
      for (String variant : variants) {
        for (int batch : batchSizes) {
          err.println("timing " + variant + ", batch " + batch);
          Settings settings = settings(variant, batch);
          List<Windows> measured = new ArrayList<>();
          for (int round = 0; round < rounds; round++) {
            measured.add(
                Windows.measure(
                    variant,
                    batch,
                    chosen.toString(),
                    images,
                    () -> new Session(device, settings, images, SEED, chosen),
                    seconds));
          }
          Windows result = Windows.of(measured);
          out.println(result.line(start));
          out.flush();
          all.add(result.toJson(start));
        }
      }
      report.add("device", DeviceOptions.json(device));
    }
    if (json != null) {
      report.addProperty("java", Versions.java());
      report.addProperty("data", images.name());
      report.add("iterations", all);
      Files.writeString(json, PRETTY.toJson(report) + "\n");
    }
    return Main.DONE;
  }

  private void check() {
    if (engine.engine() != null && deviceName == null) {
      throw wrong("an engine is a GPU's: name one with --device cuda");
    }
    if (against != null && deviceName != null) {
      throw wrong("--against times the CPU; leave --device out");
    }
    if (against != null && !against.equals(LIBTORCH)) {
      throw wrong("--against knows " + LIBTORCH + ", not '" + against + "'");
    }
    if (rounds < 1 || !(seconds > 0)) {
      throw wrong("--rounds and --seconds must be positive");
    }
    if (threads.stream().anyMatch(t -> t < 1) || batchSizes.stream().anyMatch(b -> b < 1)) {
      throw wrong("--threads and --batch-sizes must be positive");
    }
    try {
      variants.forEach(Variant::of);
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Result iteration(String variant, int batch, int t, Images images, Rival rival)
      throws IOException {
    Settings settings = settings(variant, batch);
    Result r = null;
    for (int round = 0; round < rounds; round++) {
      try (Device device = device(t);
          Session session = new Session(device, settings, images, SEED)) {
        Program p = session.job().iteration();
        r =
            r == null
                ? new Result(variant, batch, t, p.flops(), new ArrayList<>(), new ArrayList<>())
                : r;
        r.ours.add(Timing.measure(() -> p.run(1), WARM_UP * seconds, seconds));
      }
      // Kantor's device is closed by now, so none of its threads disturbs.
      if (rival != null && Rival.VARIANTS.contains(variant)) {
        r.theirs.add(rival.iteration(variant, batch, t, RIVAL_WARM_UP_SECONDS, seconds));
      }
    }
    return r;
  }

  private Result sampling(String variant, int t, Images images, Rival rival) throws IOException {
    Settings settings = settings(variant, SAMPLES);
    Result r = new Result(variant, SAMPLES, t, 0, new ArrayList<>(), new ArrayList<>());
    for (int round = 0; round < rounds; round++) {
      try (Device device = device(t);
          Session session = new Session(device, settings, images, SEED);
          Sampler sampler =
              new Sampler(
                  session.model().generation().orElseThrow(), session.state(), SAMPLES, SEED)) {
        r.ours.add(Timing.measure(() -> sampler.replay(1), WARM_UP * seconds, seconds));
      }
      if (rival != null && Rival.VARIANTS.contains(variant)) {
        r.theirs.add(rival.sampling(variant, SAMPLES, t, RIVAL_WARM_UP_SECONDS, seconds));
      }
    }
    return r;
  }

  private static Settings settings(String variant, int batch) {
    Settings s = Variant.of(variant).settings().with("batch-size", Integer.toString(batch));
    return s.has("critic-steps") ? s.with("critic-steps", "1") : s;
  }

  /** A device, after another look at what it can do. */
  private Device device(int t) {
    Device device = Device.open("cpu", t);
    peaks.merge(t, Machine.measure(device).flopsPerSecond(), Math::max);
    return device;
  }

  private void print(List<Result> results, PrintWriter out) {
    boolean both = results.stream().anyMatch(r -> !r.theirs.isEmpty());
    String columns = String.format(TIMES.replace(".3f", "s"), "median", "min", "cpu");
    String rivals = both ? String.format("|%26s |%24s ", "libtorch, ms", "ratio of") : "";
    String rivalColumns =
        both
            ? "|"
                + columns
                + " |"
                + String.format(RATIOS.replace(".2f", "s"), "medians", "minima", "cpu")
                + " "
            : "";
    out.println();
    out.printf("%25s|%26s %s|%8s %8s %9s%n", "", "kantor, ms", rivals, "", "of", "floor");
    out.printf(
        "%-10s %5s %7s |%s %s|%8s %8s %9s%n",
        "iteration", "batch", "threads", columns, rivalColumns, "GFLOP/s", "peak", "ms");
    for (Result r : results) {
      Timing ours = Timing.of(r.ours);
      String theirs = both ? String.format("|%26s |%24s ", "-", "-") : "";
      if (!r.theirs.isEmpty()) {
        Timing t = Timing.of(r.theirs);
        theirs =
            "|"
                + cells(t)
                + " |"
                + String.format(
                    Locale.ROOT,
                    RATIOS,
                    t.medianMs() / ours.medianMs(),
                    t.minMs() / ours.minMs(),
                    t.cpuMs() / ours.cpuMs())
                + " ";
      }
      double floor = floorMs(r);
      out.printf(
          Locale.ROOT,
          "%-10s %5d %7d |%s %s|%8.1f %6.0f %% %9.3f%n",
          r.variant,
          r.batch,
          r.threads,
          cells(ours),
          theirs,
          r.flops / ours.minMs() / 1e6,
          100 * floor / ours.minMs(),
          floor);
    }
  }

  private static String cells(Timing t) {
    return String.format(Locale.ROOT, TIMES, t.medianMs(), t.minMs(), t.cpuMs());
  }

  private static void printSamplings(List<Result> results, PrintWriter out) {
    out.println();
    out.println("images a second, drawn in batches of " + SAMPLES);
    for (Result r : results) {
      Timing ours = Timing.of(r.ours);
      out.printf(
          Locale.ROOT,
          "%-10s %-10s kantor %,10.0f (best %,10.0f)",
          r.variant,
          count(r.threads, "thread"),
          perSecond(ours.medianMs()),
          perSecond(ours.minMs()));
      if (!r.theirs.isEmpty()) {
        Timing theirs = Timing.of(r.theirs);
        out.printf(
            Locale.ROOT,
            "   libtorch %,10.0f (best %,10.0f)   ratio %.2f (of the best %.2f)",
            perSecond(theirs.medianMs()),
            perSecond(theirs.minMs()),
            theirs.medianMs() / ours.medianMs(),
            theirs.minMs() / ours.minMs());
      }
      out.println();
    }
  }

  private static double perSecond(double ms) {
    return SAMPLES * 1e3 / ms;
  }

  private double floorMs(Result r) {
    return r.flops / peaks.get(r.threads) * 1e3;
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }

  private JsonArray iterationsToJson(List<Result> results) {
    JsonArray all = new JsonArray();
    for (Result r : results) {
      JsonObject o = toJson(r);
      o.addProperty("criticSteps", 1);
      o.addProperty("flops", r.flops);
      o.addProperty("peakFlopsPerSecond", peaks.get(r.threads));
      o.addProperty("floorMs", floorMs(r));
      o.addProperty("shareOfPeak", floorMs(r) / Timing.of(r.ours).minMs());
      all.add(o);
    }
    return all;
  }

  private static JsonArray samplingsToJson(List<Result> results) {
    JsonArray all = new JsonArray();
    for (Result r : results) {
      JsonObject o = toJson(r);
      o.addProperty("imagesPerSecond", perSecond(Timing.of(r.ours).medianMs()));
      o.addProperty("peakImagesPerSecond", perSecond(Timing.of(r.ours).minMs()));
      all.add(o);
    }
    return all;
  }

  private static JsonObject toJson(Result r) {
    JsonObject o = new JsonObject();
    Timing ours = Timing.of(r.ours);
    o.addProperty("variant", r.variant);
    o.addProperty("batchSize", r.batch);
    o.addProperty("threads", r.threads);
    o.add("kantor", Timing.toJson(r.ours));
    if (!r.theirs.isEmpty()) {
      Timing theirs = Timing.of(r.theirs);
      o.add(LIBTORCH, Timing.toJson(r.theirs));
      o.addProperty("ratioOfMedians", theirs.medianMs() / ours.medianMs());
      o.addProperty("ratioOfMinima", theirs.minMs() / ours.minMs());
    }
    return o;
  }
}
