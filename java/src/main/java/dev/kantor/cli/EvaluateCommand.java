package dev.kantor.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import dev.kantor.gan.Samples;
import dev.kantor.io.AtomicFile;
import dev.kantor.metrics.Evaluation;
import dev.kantor.metrics.Evaluator;
import dev.kantor.metrics.Judge;
import dev.kantor.metrics.JudgeDesign;
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
          "Evaluate N samples, against as many training images. Default: ${DEFAULT-VALUE}.",
      defaultValue = "10000")
  private int count;

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

  @Mixin private JudgeOptions judges;

  @Mixin private DeviceOptions device;

  @Option(names = "--json", description = "Print the result as JSON, and write no file.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    requireSensible();
    boolean isRun = Files.isRegularFile(what.resolve("manifest.json"));
    PrintWriter err = spec.commandLine().getErr();
    try (Device on = device.open(null, null);
        Arena arena = Arena.ofConfined()) {
      Images images = isRun ? dataOf(RunFolder.open(what).manifest()) : open(data, dataDir);
      err.println(TrainCommand.firstLine(on, images));
      Subject subject = subject(isRun, on, images, arena);
      long bootstrapSeed = seed == null ? JudgeDesign.DEFAULT_SEED : seed;
      Judging judging =
          judges.judging(isRun ? RunFolder.open(what).manifest().environment() : Map.of());
      try (Evaluator evaluator = judging.evaluator(on, images, count, bootstrapSeed, err)) {
        Judge judge = evaluator.judge();
        Verdict verdict = evaluate(evaluator, images, subject, err);
        JsonObject result = result(judge, images, subject, verdict);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
          out.println(GSON.toJson(result));
          return Main.DONE;
        }
        AtomicFile.write(
            subject.result(),
            to -> to.write((GSON.toJson(result) + "\n").getBytes(StandardCharsets.UTF_8)));
        out.println(subject.title() + ", beside training images of " + images.name() + "\n");
        out.println(verdict.toText());
        out.println(
            "FD-judge is a Fréchet distance in this judge's features, and no Inception FID. Judge: "
                + judge.sha256());
        out.println(subject.result());
      }
    }
    return Main.DONE;
  }

  private void requireSensible() {
    if (count <= JudgeDesign.FEATURES) {
      throw wrong("--count is " + count + "; a distance needs more than " + JudgeDesign.FEATURES);
    }
    if (limit != null && limit <= JudgeDesign.FEATURES) {
      throw wrong("--limit is " + limit + "; a distance needs more than " + JudgeDesign.FEATURES);
    }
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

  private Subject subject(boolean isRun, Device on, Images images, Arena arena) throws IOException {
    if (isRun) {
      return Subject.ofRun(RunFolder.open(what), checkpoint, on, images.size(), count, seed, arena);
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

  private Verdict evaluate(Evaluator evaluator, Images images, Subject subject, PrintWriter err) {
    Evaluation samples = evaluator.evaluate(subject.images(), subject.requested());
    Optional<Evaluation> test =
        images
            .test()
            .filter(t -> t.count() > JudgeDesign.FEATURES)
            .map(t -> evaluator.evaluate(firstOf(t), t.labels().map(this::firstLabels)));
    test.ifPresent(
        t -> {
          double accuracy = t.measure("agreement").value();
          if (accuracy < GOOD_JUDGE) {
            err.printf(
                "kantor: the judge is right about %.1f %% of the test images only; give it more"
                    + " with --judge-epochs%n",
                100 * accuracy);
          }
        });
    return new Verdict(samples, test);
  }

  private MemorySegment firstOf(Samples test) {
    return test.data().asSlice(0, Math.min(count, test.count()) * test.features());
  }

  private int[] firstLabels(MemorySegment labels) {
    long bytes = Math.min(4L * count, labels.byteSize());
    return labels.asSlice(0, bytes).toArray(ValueLayout.JAVA_INT);
  }

  private static JsonObject result(Judge judge, Images images, Subject subject, Verdict verdict) {
    JsonObject result = new JsonObject();
    subject.facts().entrySet().forEach(e -> result.add(e.getKey(), e.getValue()));
    result.addProperty("data", images.name());
    result.addProperty("data-fingerprint", images.fingerprint());
    result.addProperty("training-images", images.count());
    JsonObject by = new JsonObject();
    by.addProperty("version", JudgeDesign.VERSION);
    by.addProperty("sha256", judge.sha256());
    by.addProperty("features", JudgeDesign.FEATURES);
    by.addProperty("epochs", judge.design().epochs());
    result.add("judge", by);
    result.add("samples", Verdict.json(verdict.samples()));
    verdict.test().ifPresent(t -> result.add("test", Verdict.json(t)));
    return result;
  }
}
