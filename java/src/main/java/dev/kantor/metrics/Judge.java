package dev.kantor.metrics;

import dev.kantor.gan.Classifier;
import dev.kantor.gan.Learner;
import dev.kantor.gan.Samples;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.io.FormatException;
import dev.kantor.io.Sha256;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.nn.Sequential;
import dev.kantor.tensor.Device;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Job;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A network that Kantor trained on a data set to say what images show: a class, or none. Its hidden
 * layer's activations are the features in which sets of images are compared.
 */
public final class Judge implements AutoCloseable {
  private static final int ROWS = 200;
  private static final int BYTE = 0xff;
  private static final float SCALE = 1 / 255f;

  /** Iterations whose mean accuracy is shown while it learns. */
  private static final int SHOWN_ITERATIONS = 100;

  private final JudgeDesign design;
  private final String sha256;
  private final State state;
  private final State work;
  private final Slot images;
  private final Slot features;
  private final Slot logits;
  private final Program program;

  private Judge(JudgeDesign design, State state, String sha256) {
    this.design = design;
    this.state = state;
    this.sha256 = sha256;
    work = state.child();
    int outputs = design.classes() + 1;
    images = work.add(Slot.f32("verdicts.images", ROWS, design.numbers()));
    features = work.add(Slot.f32("verdicts.features", ROWS, JudgeDesign.FEATURES));
    logits = work.add(Slot.f32("verdicts.logits", ROWS, outputs));
    Sequential network = design.network();
    int last = network.modules().size() - 1;
    program =
        Program.compile(
            Trace.of(
                t -> {
                  Pass pass = Pass.evaluation(t);
                  Value hidden =
                      new Sequential(network.modules().subList(0, last))
                          .forward(pass, t.read(images));
                  t.write(features, hidden);
                  t.write(logits, network.modules().get(last).forward(pass, hidden));
                }),
            work);
  }

  /**
   * The judge of a data set: from a folder if it is there, else trained and put there, atomically.
   *
   * @param data the set's name
   * @param fingerprint the set's
   * @param samples its training images, with labels
   * @param folder of judges; made if it is not there
   * @param messages is told when one is trained, how far it is, and of a damaged file
   * @throws IllegalArgumentException if the images have no labels
   * @throws IOException if the judge cannot be written
   */
  public static Judge of(
      JudgeDesign design,
      Device device,
      String data,
      String fingerprint,
      Samples samples,
      Path folder,
      Consumer<String> messages)
      throws IOException {
    if (samples.classes() != design.classes()) {
      throw new IllegalArgumentException(
          "the judge tells "
              + design.classes()
              + " classes apart, but "
              + data
              + " has "
              + (samples.classes() == 0
                  ? "no labels to learn them from; name a set that has, with --data"
                  : samples.classes()));
    }
    Map<String, String> configuration = design.configuration(fingerprint, samples.count());
    Path file = folder.resolve(JudgeDesign.fileName(data, configuration));
    if (Files.exists(file)) {
      try {
        return load(design, device, file);
      } catch (FormatException e) {
        messages.accept(e.getMessage() + "; training this judge again");
      }
    }
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new IOException(
          "cannot make the folder "
              + folder
              + " for judges: read-only, full, or not yours; name another with --judges",
          e);
    }
    messages.accept("training the judge of " + data + ", once: " + file);
    train(design, device, samples, configuration, file, messages);
    return load(design, device, file);
  }

  /** Whether {@link #of} finds a judge, which may be damaged, and need not train it. */
  public static boolean isThere(
      JudgeDesign design, String data, String fingerprint, Samples samples, Path folder) {
    return Files.exists(
        folder.resolve(
            JudgeDesign.fileName(data, design.configuration(fingerprint, samples.count()))));
  }

  private static State empty(JudgeDesign design, Device device) {
    State state = new State(device);
    design.tensors().forEach(p -> state.add(p.slot()));
    return state;
  }

  private static Judge load(JudgeDesign design, Device device, Path file) throws IOException {
    State state = empty(design, device);
    try {
      Checkpoint.load(file, state, state.slots());
      byte[] bytes = Files.readAllBytes(file);
      return new Judge(design, state, new Sha256().update(MemorySegment.ofArray(bytes)).hex());
    } catch (IOException | RuntimeException e) {
      state.close();
      throw e;
    }
  }

  private static void train(
      JudgeDesign design,
      Device device,
      Samples samples,
      Map<String, String> configuration,
      Path file,
      Consumer<String> messages)
      throws IOException {
    // The learner reads the images until it and its state are closed, which are so before the
    // arena.
    try (Arena arena = Arena.ofShared();
        State training = new State(device);
        State trained = empty(design, device)) {
      Samples all = Lesson.of(samples, design, arena);
      Classifier classifier = design.classifier(all.count());
      try (Learner learner =
          new Learner(classifier, training, all, design.seed(), Program.Options.DEFAULT)) {
        Job job = learner.job();
        for (int epoch = 1; epoch <= design.epochs(); epoch++) {
          long start = System.nanoTime();
          if (job.iteration().run(job.iterationsPerEpoch()).status() == Status.FAULT) {
            throw new KantorException(
                Status.FAULT, "the judge diverged in epoch " + epoch + "; report it with its data");
          }
          messages.accept(
              String.format(
                  Locale.ROOT,
                  "judge: epoch %d of %d, %.1f %% of the images right, %.0f s",
                  epoch,
                  design.epochs(),
                  100 * accuracy(job, epoch * job.iterationsPerEpoch()),
                  (System.nanoTime() - start) / 1e9));
        }
        for (Parameter p : design.tensors()) {
          trained.write(p.slot(), training.read(p.slot(), arena));
        }
        // No time in it: the same judge is the same file.
        new Checkpoint(design.epochs() * job.iterationsPerEpoch(), 0, configuration)
            .write(file, trained);
      }
    }
  }

  /** The mean over the latest iterations. */
  private static double accuracy(Job job, long iterations) {
    List<String> metrics = job.metrics();
    int column = metrics.indexOf("classifier_accuracy");
    float[] ring = job.state().floats(job.ring());
    long rows = job.ring().shape().dim(0);
    long first = Math.max(0, iterations - SHOWN_ITERATIONS);
    double sum = 0;
    for (long i = first; i < iterations; i++) {
      sum += ring[(int) (i % rows) * metrics.size() + column];
    }
    return sum / (iterations - first);
  }

  /** SHA-256 of its file: what it says can be compared with what an equal one says. */
  public String sha256() {
    return sha256;
  }

  /** What it is. */
  public JudgeDesign design() {
    return design;
  }

  /**
   * Judges images.
   *
   * @param bytes u8 [count, channels, height, width], at least one
   */
  public Verdicts judge(MemorySegment bytes) {
    int numbers = design.numbers();
    int count = Math.toIntExact(bytes.byteSize() / numbers);
    if (count < 1 || bytes.byteSize() != (long) count * numbers) {
      throw new IllegalArgumentException(
          bytes.byteSize() + " bytes are no images of " + numbers + " each");
    }
    int outputs = design.classes() + 1;
    int[] classes = new int[count];
    int[] nearest = new int[count];
    double[] confidences = new double[count];
    float[] rowsOfFeatures = new float[Math.multiplyExact(count, JudgeDesign.FEATURES)];
    float[] batch = new float[ROWS * numbers];
    for (int row = 0; row < count; row += ROWS) {
      int rows = Math.min(ROWS, count - row);
      for (int i = 0; i < rows * numbers; i++) {
        batch[i] = (bytes.get(ValueLayout.JAVA_BYTE, (long) row * numbers + i) & BYTE) * SCALE;
      }
      work.set(images, batch);
      program.run(1);
      float[] scores = work.floats(logits);
      for (int i = 0; i < rows; i++) {
        int best = largest(scores, i * outputs, outputs);
        classes[row + i] = best;
        nearest[row + i] = largest(scores, i * outputs, outputs - 1);
        confidences[row + i] = probability(scores, i * outputs, outputs, best);
      }
      System.arraycopy(
          work.floats(features),
          0,
          rowsOfFeatures,
          row * JudgeDesign.FEATURES,
          rows * JudgeDesign.FEATURES);
    }
    return new Verdicts(
        classes, nearest, confidences, new Features(count, JudgeDesign.FEATURES, rowsOfFeatures));
  }

  private static int largest(float[] scores, int from, int n) {
    int best = 0;
    for (int k = 1; k < n; k++) {
      best = scores[from + k] > scores[from + best] ? k : best;
    }
    return best;
  }

  /** Softmax, of the class with the largest score. */
  private static double probability(float[] scores, int from, int n, int best) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += Math.exp((double) scores[from + k] - scores[from + best]);
    }
    return 1 / sum;
  }

  @Override
  public void close() {
    program.close();
    work.close();
    state.close();
  }
}
