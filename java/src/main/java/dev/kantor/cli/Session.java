package dev.kantor.cli;

import dev.kantor.gan.Learner;
import dev.kantor.gan.Model;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Precision;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.metrics.Yardstick;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Native;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import dev.kantor.train.Aside;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.EventLog;
import dev.kantor.train.Goal;
import dev.kantor.train.Job;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Schedule;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A GAN on a device with its data, ready to be trained in a run's folder. */
final class Session implements AutoCloseable {
  private final State state;
  private final Learner learner;
  private final Model model;
  private final Device device;
  private final Settings settings;
  private final Images images;
  private final long seed;
  private final Precision precision;

  /** In fp32, which every device computes in. */
  Session(Device device, Settings settings, Images images, long seed) {
    this(device, settings, images, seed, Precision.FP32);
  }

  Session(Device device, Settings settings, Images images, long seed, Precision precision) {
    this.device = device;
    this.settings = settings;
    this.images = images;
    this.seed = seed;
    this.precision = precision;
    requirePrecision(device, precision);
    model = Model.of(settings, images.form().shape());
    state = new State(device);
    try {
      learner = new Learner(model, state, images.samples(), seed, Program.Options.in(precision));
    } catch (RuntimeException e) {
      state.close();
      throw e;
    }
  }

  Job job() {
    return learner.job();
  }

  Model model() {
    return model;
  }

  State state() {
    return state;
  }

  /**
   * A session to go on with a run in.
   *
   * @param images the run's, see {@link Images#of}
   * @throws IllegalArgumentException if they are others
   */
  static Session of(Device device, Manifest manifest, Images images) {
    Settings settings = settings(manifest);
    long seed = Long.parseLong(manifest.value("seed"));
    Precision precision = Precision.of(manifest.value("precision"));
    requireSame(manifest.configuration(), configuration(settings, images, seed, precision));
    return new Session(device, settings, images, seed, precision);
  }

  /**
   * Finds out, before any work is done, whether a device computes in a precision.
   *
   * @throws KantorException if not
   */
  static void requirePrecision(Device device, Precision precision) {
    if (precision != Precision.FP32 && !device.name().startsWith("cuda")) {
      throw new KantorException(
          Status.UNSUPPORTED,
          "a CPU computes in fp32; " + precision + " needs a GPU: choose one with --device cuda");
    }
  }

  /** Everything that decides the numbers of a run. */
  private static Map<String, String> configuration(
      Settings settings, Images images, long seed, Precision precision) {
    Map<String, String> c = new LinkedHashMap<>();
    c.put("variant", settings.variant());
    c.put("data", images.name());
    c.put("images", Long.toString(images.count()));
    c.put("image", images.form().toString());
    c.put("data-fingerprint", images.fingerprint());
    c.put("seed", Long.toString(seed));
    c.put("precision", precision.toString());
    c.putAll(settings.values());
    return c;
  }

  /**
   * Finds out whether a run is still the same.
   *
   * @throws IllegalArgumentException naming what is not
   */
  static void requireSame(Map<String, String> before, Map<String, String> now) {
    List<String> differences = Manifest.differences(before, now);
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          "this is no longer the same run: "
              + String.join("; ", differences)
              + "; for another configuration start a new run with kantor train");
    }
  }

  /**
   * What a new run is.
   *
   * @param more of the environment
   */
  Manifest manifest(Goal goal, Schedule schedule, Map<String, String> more) {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("kantor", Versions.kantor());
    environment.put("native-abi", Integer.toString(Native.abiVersion()));
    environment.put("java", Versions.java());
    environment.put("started", LocalDateTime.now().truncatedTo(ChronoUnit.SECONDS).toString());
    environment.put("device", device.name());
    environment.put("runs-on", DeviceOptions.describe(device));
    environment.putAll(images.origin());
    environment.putAll(more);
    return new Manifest(
        configuration(settings, images, seed, precision), goal, schedule, environment);
  }

  /**
   * What evaluates a run while it trains.
   *
   * @param err is told if a judge is to be trained first, and how that goes
   * @return null if the schedule has no evaluations
   * @throws IllegalArgumentException if they are not possible
   */
  Yardstick yardstick(Schedule schedule, Judging judging, PrintWriter err) throws IOException {
    if (!schedule.evaluates()) {
      return null;
    }
    if (model.generation().isEmpty()) {
      throw new IllegalArgumentException(
          settings.variant() + " draws no samples to evaluate; leave --evaluate-every out");
    }
    return judging.yardstick(device, images, schedule.evaluateCount(), err);
  }

  /**
   * Trains in a new folder.
   *
   * @param yardstick see {@link #yardstick}; is not closed, so that other runs on the same data can
   *     have it
   * @return the exit status
   * @throws IOException if there is a folder that is not empty, or it cannot be written
   * @throws KantorException with {@link Status#FAULT} if a value was not finite
   */
  int begin(
      Path out, Manifest manifest, Yardstick yardstick, BroadcastOptions broadcast, PrintWriter err)
      throws IOException {
    RunFolder folder = RunFolder.create(out);
    try (FileChannel _ = folder.lock()) {
      folder.write(manifest);
      return train(folder, manifest, null, yardstick, broadcast, err);
    }
  }

  /**
   * Goes on with a run from its latest checkpoint that is whole, in a folder that the caller holds
   * the lock of. A run that has reached its goal stays as it is.
   *
   * @param manifest the run's; is written if it is another than there is
   * @param yardstick as for {@link #begin}
   */
  int resume(
      RunFolder folder,
      Manifest manifest,
      Yardstick yardstick,
      BroadcastOptions broadcast,
      PrintWriter err)
      throws IOException {
    Checkpoint from = load(folder, manifest, err);
    err.println(
        from == null
            ? "there is no checkpoint yet; starts from the beginning"
            : "continues after iteration " + from.iteration());
    long at = from == null ? 0 : from.iteration();
    if (at >= manifest.goal().iterations(job().iterationsPerEpoch())) {
      err.println(
          "the run has reached its goal of "
              + manifest.goal()
              + "; give a larger one with --epochs");
      return Main.DONE;
    }
    if (!manifest.equals(folder.manifest())) {
      folder.write(manifest);
    }
    Reevaluation again = new Reevaluation(this, folder, manifest, err);
    AtomicBoolean stopping = new AtomicBoolean();
    boolean isDone;
    try (Interruption _ = new Interruption(() -> stopping.set(true))) {
      isDone = again.run(yardstick, stopping::get) && !stopping.get();
    } catch (KantorException e) {
      throw e.status() == Status.DEVICE_LOST ? lost(folder, e) : e;
    }
    if (!isDone) {
      err.println("interrupted before it went on; to go on: " + resume(folder));
      return Main.INTERRUPTED;
    }
    return train(folder, manifest, from, yardstick, broadcast, err);
  }

  /**
   * Takes the state from a run's latest checkpoint that is whole; removes those after it.
   *
   * @return null if there is none yet: the state is that of the beginning
   */
  Checkpoint load(RunFolder folder, Manifest manifest, PrintWriter err) throws IOException {
    Checkpoint from =
        folder
            .loadLatest(
                file -> Checkpoint.load(file, state, Checkpoint.slots(state)),
                damage ->
                    err.println("kantor: " + damage + "; going back to the checkpoint before it"))
            .orElse(null);
    if (from != null) {
      requireSame(from.configuration(), manifest.configuration());
    }
    folder.discardAfter(from == null ? 0 : from.iteration());
    return from;
  }

  /** The settings in a run's configuration. */
  static Settings settings(Manifest manifest) {
    Settings s = Variant.of(manifest.value("variant")).settings();
    for (String name : s.values().keySet()) {
      s = s.with(name, manifest.value(name));
    }
    return s;
  }

  /**
   * Trains until the goal, Ctrl-C or a fault, and says what came of it.
   *
   * @param start where the state is from; null: the beginning
   * @param broadcast who else is shown it
   */
  private int train(
      RunFolder folder,
      Manifest manifest,
      Checkpoint start,
      Yardstick yardstick,
      BroadcastOptions broadcast,
      PrintWriter err)
      throws IOException {
    double seconds = start == null ? 0 : start.seconds();
    long iteration = start == null ? 0 : start.iteration();
    Training.Outcome outcome;
    try (Sight sight = sight(err);
        Examination examination = examination(manifest.schedule(), yardstick);
        Display display =
            new Display(
                err,
                Terminal.width(),
                manifest.goal(),
                job().metrics(),
                job().iterationsPerEpoch(),
                iteration,
                seconds);
        EventLog events = broadcast.events(folder, job().metrics(), iteration);
        Aside aside = aside(device)) {
      Training training =
          new Training(
              job(),
              folder,
              manifest,
              new Onlooker(folder, sight, examination, display, events, aside, iteration, err),
              aside);
      try (Interruption _ = new Interruption(training::stop)) {
        outcome = training.run(seconds);
      }
    } catch (KantorException e) {
      throw e.status() == Status.DEVICE_LOST ? lost(folder, e) : e;
    }
    String resume = resume(folder);
    return switch (outcome.end()) {
      case DONE -> {
        err.println(
            "done: "
                + outcome.iteration()
                + " iterations"
                + (model.generation().isEmpty()
                    ? ""
                    : "; draw samples: kantor sample "
                        + quoted(folder.path().toString())
                        + " --count 64 --out samples.png"));
        yield Main.DONE;
      }
      case STOPPED -> {
        err.println(
            "interrupted after iteration "
                + outcome.iteration()
                + ", the state is saved; to go on: "
                + resume);
        yield Main.INTERRUPTED;
      }
      case FAULT ->
          throw new KantorException(
              Status.FAULT,
              outcome.fault().orElseThrow()
                  + ": the training diverged. The last good state is in "
                  + outcome.checkpoint()
                  + ". Start again with a lower learning-rate (now "
                  + manifest.value("learning-rate")
                  + ")"
                  + remedy(manifest)
                  + "; see kantor help losses");
    };
  }

  private static String resume(RunFolder folder) {
    return "kantor resume " + quoted(folder.path().toString());
  }

  /** The same error, and what there is to go on with: nothing can be read from the device. */
  private static KantorException lost(RunFolder folder, KantorException e) throws IOException {
    List<Long> saved = folder.iterations();
    return new KantorException(
        Status.DEVICE_LOST,
        e.getMessage()
            + "\n"
            + (saved.isEmpty()
                ? "there is no checkpoint yet, so it starts from the beginning with: "
                : "the state of iteration " + saved.getFirst() + " is saved; to go on from there: ")
            + resume(folder),
        e);
  }

  /**
   * Who does what trainings on a device need not wait for: a GPU leaves the host's threads idle.
   */
  static Aside aside(Device device) {
    return new Aside(device.name().startsWith("cuda"));
  }

  /** What can be seen of the model. */
  Sight sight(PrintWriter err) {
    return Sight.of(model, state, images, seed, err);
  }

  /**
   * What evaluates the model on the way.
   *
   * @param yardstick see {@link #yardstick}
   * @return null if the schedule has no evaluations
   */
  Examination examination(Schedule schedule, Yardstick yardstick) {
    return schedule.evaluates()
        ? new Examination(
            model.generation().orElseThrow(),
            state,
            images.form(),
            schedule.evaluateCount(),
            seed,
            yardstick)
        : null;
  }

  private static String remedy(Manifest manifest) {
    String regulariser = manifest.configuration().get("regulariser");
    if (regulariser == null) {
      return "";
    }
    return " or another " + (regulariser.equals("clip") ? "clip" : "regulariser");
  }

  /** A word as a shell reads it. */
  static String quoted(String s) {
    return s.matches("[\\w./+=:@%-]+") ? s : "'" + s.replace("'", "'\\''") + "'";
  }

  @Override
  public void close() {
    learner.close();
    state.close();
  }
}
