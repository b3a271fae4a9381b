package dev.kantor.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import dev.kantor.gan.Samples;
import dev.kantor.io.AtomicFile;
import dev.kantor.metrics.Evaluation;
import dev.kantor.metrics.Evaluator;
import dev.kantor.metrics.GanAccuracy;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
import dev.kantor.metrics.Measure;
import dev.kantor.metrics.StackedModes;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "evaluate",
    description = "Measures how good and how diverse samples are.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A judge, a classifier that Kantor trains on the data once and keeps, says what each sample"
          + " shows; it has a class",
      "more for what is none. Its hidden layer gives the features for FD-judge, a Fréchet distance"
          + " that is no Inception",
      "FID and not comparable with one, and for precision and recall (Kynkäänniemi et al. 2019),"
          + " density and coverage",
      "(Naeem et al. 2020). Held-out test images, where the data have some, show how good it gets.",
      "Of stacked-mnist the judge of MNIST's digits looks at each channel, and the modes of 1000"
          + " that 26,000 samples cover",
      "are counted (Srivastava et al. 2017, Lin et al. 2018). Of points of the plane the modes are"
          + " known, and counted too.",
      "The result is also written beside the run, as evaluation-ITERATION.json, or beside the"
          + " file.",
      "",
      "Examples:",
      "  kantor evaluate runs/first",
      "  kantor evaluate digits.idx --data mnist --json"
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().serializeNulls().create();

  private static final int DEFAULT_COUNT = 10_000;

  /** Below this the judge is not much of one. */
  private static final double GOOD_JUDGE = 0.95;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "WHAT",
      description = "The folder of a run, a FILE.idx of images, or a folder of pictures.")
  private Path what;

  @Option(
      names = "--count",
      paramLabel = "N",
      description =
          "Evaluate N samples, against as many training images. Default: 10000, of stacked-mnist"
              + " 26000.")
  private Integer given;

  @Mixin private CheckpointOption checkpoint;

  @Option(names = "--seed", paramLabel = "S", description = "Of the noise. Default: the run's.")
  private Long seed;

  @Option(
      names = "--data",
      paramLabel = "DATA",
      description = "What to compare with, see kantor help data. Default: the run's, else auto.")
  private String data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where data sets are kept. Default: the run's, else as for kantor train.")
  private Path dataDir;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Judge by the first N training images only. Default: all.")
  private Integer limit;

  @Option(
      names = "--gan-train",
      description = {
        "Also train a classifier on the samples and one on as many training images, and test both",
        "on the test images; where classes are not asked for, by the classes that the judge sees."
      })
  private boolean ganTrain;

  @Mixin private JudgeOptions judges;

  @Mixin private DeviceOptions device;

  @Mixin private EngineOption engine;

  @Option(names = "--json", description = "Print the result as JSON, and write no file.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    requireSensible();
    boolean isRun = Files.isRegularFile(what.resolve("manifest.json"));
    PrintWriter err = spec.commandLine().getErr();
    try (Device on = device.open(null, null, engine.engine());
        Arena arena = Arena.ofConfined()) {
      Images images = isRun ? dataOf(RunFolder.open(what).manifest()) : open(data, dataDir);
      err.println(TrainCommand.firstLine(on, images));
      int count = count(images);
      Subject subject = subject(isRun, on, images, count, arena);
      long bootstrapSeed = seed == null ? JudgeDesign.DEFAULT_SEED : seed;
      Judging judging =
          judges.judging(isRun ? RunFolder.open(what).manifest().environment() : Map.of());
      try (Yardstick yardstick = judging.yardstick(on, images, count, bootstrapSeed, err)) {
        Optional<Judge> judge = yardstick.judgedBy();
        Verdict verdict = evaluate(yardstick, images, subject, count, err);
        if (ganTrain) {
          verdict = ganAccuracy(yardstick, on, images, subject, verdict, err);
        }
        JsonObject result = result(judge, images, subject, verdict);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
          out.println(GSON.toJson(result));
          return Main.DONE;
        }
        AtomicFile.write(
            subject.result(),
            to -> to.write((GSON.toJson(result) + "\n").getBytes(StandardCharsets.UTF_8)));
        out.println(subject.title() + ", beside the training data of " + images.name() + "\n");
        out.println(verdict.toText());
        judge.ifPresent(
            j ->
                out.println(
                    "FD-judge is a Fréchet distance in this judge's features, and no Inception"
                        + " FID. Judge: "
                        + j.sha256()));
        out.println(subject.result());
      }
    }
    return Main.DONE;
  }

  private void requireSensible() {
    if (given != null && given <= JudgeDesign.FEATURES) {
      throw wrong("--count is " + given + "; a distance needs more than " + JudgeDesign.FEATURES);
    }
    if (limit != null && limit <= JudgeDesign.FEATURES) {
      throw wrong("--limit is " + limit + "; a distance needs more than " + JudgeDesign.FEATURES);
    }
  }

  private int count(Images images) {
    return given != null ? given : images.isStacked() ? StackedModes.SAMPLES : DEFAULT_COUNT;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Images dataOf(Manifest manifest) throws IOException {
    Map<String, String> environment = manifest.environment();
    String sets = environment.get("data-dir");
    return open(
        data != null ? data : environment.get("data"),
        dataDir != null ? dataDir : sets == null ? null : Path.of(sets));
  }

  private Images open(String name, Path sets) throws IOException {
    return Images.open(name == null ? "auto" : name, sets, limit, System.err);
  }

  private Subject subject(boolean isRun, Device on, Images images, int count, Arena arena)
      throws IOException {
    if (isRun) {
      return Subject.ofRun(RunFolder.open(what), checkpoint, on, images.form(), count, seed, arena);
    }
    if (Files.exists(what.resolve("comparison.json"))) {
      throw wrong(what + " holds a comparison; name the folder of one of its runs, inside it");
    }
    if (Files.isDirectory(what)) {
      return Subject.ofPictures(what, images.size(), count, System.err);
    }
    if (!Files.exists(what)) {
      throw new IOException(
          "there is no " + what + "; give the folder of a run, a FILE.idx or a folder of pictures");
    }
    return Subject.ofIdx(what, images.size(), count, arena);
  }

  private static Verdict evaluate(
      Yardstick yardstick, Images images, Subject subject, int count, PrintWriter err) {
    return new Verdict(
        yardstick.evaluate(subject.samples(), subject.requested()),
        heldOut(yardstick, images, count, err));
  }

  /**
   * What held-out samples are worth, the first {@code count} at most: as good as it gets.
   *
   * @param err is told if they show that the judge is not much of one
   * @return empty where there are none
   */
  static Optional<Evaluation> heldOut(
      Yardstick yardstick, Images images, int count, PrintWriter err) {
    Optional<Evaluation> test =
        images
            .test()
            .filter(t -> t.count() > JudgeDesign.FEATURES)
            .map(t -> yardstick.evaluate(firstOf(t, count), firstLabels(t, count)));
    test.flatMap(t -> t.find("agreement"))
        .map(Measure::value)
        .filter(accuracy -> accuracy < GOOD_JUDGE)
        .ifPresent(
            accuracy ->
                err.printf(
                    "kantor: the judge is right about %.1f %% of the test images only; give it more"
                        + " with --judge-epochs%n",
                    100 * accuracy));
    return test;
  }

  /** With what classifiers say that learn from samples, and from as many training images. */
  private Verdict ganAccuracy(
      Yardstick yardstick,
      Device on,
      Images images,
      Subject subject,
      Verdict verdict,
      PrintWriter err) {
    if (!(yardstick instanceof Evaluator evaluator)
        || images.test().isEmpty()
        || verdict.test().isEmpty()) {
      throw wrong(
          "--gan-train takes a data set of images with test images and few classes, as mnist is,"
              + " not "
              + images.name());
    }
    err.println("training a classifier on the samples, and one on as many training images");
    GanAccuracy.Both both =
        new GanAccuracy(evaluator.judge(), on, images.samples(), images.test().get())
            .of(verdict.samples(), subject.samples(), subject.requested(), verdict.test().get());
    return new Verdict(both.samples(), Optional.of(both.real()));
  }

  private static MemorySegment firstOf(Samples test, int count) {
    long bytes = test.data().byteSize() / test.count();
    return test.data().asSlice(0, Math.min(count, test.count()) * bytes);
  }

  private static Optional<int[]> firstLabels(Samples test, int count) {
    return test.labels().map(labels -> first(labels, count));
  }

  private static int[] first(MemorySegment labels, int count) {
    long bytes = Math.min(4L * count, labels.byteSize());
    return labels.asSlice(0, bytes).toArray(ValueLayout.JAVA_INT);
  }

  private static JsonObject result(
      Optional<Judge> judge, Images images, Subject subject, Verdict verdict) {
    JsonObject result = new JsonObject();
    subject.facts().entrySet().forEach(e -> result.add(e.getKey(), e.getValue()));
    result.addProperty("data", images.name());
    result.addProperty("data-fingerprint", images.fingerprint());
    result.addProperty("training-images", images.count());
    judge.ifPresent(
        j -> {
          JsonObject by = new JsonObject();
          by.addProperty("version", JudgeDesign.VERSION);
          by.addProperty("sha256", j.sha256());
          by.addProperty("features", JudgeDesign.FEATURES);
          by.addProperty("epochs", j.design().epochs());
          result.add("judge", by);
        });
    result.add("samples", Verdict.json(verdict.samples()));
    verdict.test().ifPresent(t -> result.add("test", Verdict.json(t)));
    return result;
  }
}
