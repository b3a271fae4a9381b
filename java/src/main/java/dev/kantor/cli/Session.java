package dev.kantor.cli;

import dev.kantor.gan.Learner;
import dev.kantor.gan.Model;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.EventLog;
import dev.kantor.train.Job;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.Row;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A GAN on a device with its data, ready to be trained in a run's folder. */
final class Session implements AutoCloseable {
  private final State state;
  private final Learner learner;
  private final Model model;
  private final Images images;
  private final long seed;

  Session(Device device, Settings settings, Images images, long seed) {
    this.images = images;
    this.seed = seed;
    model = Model.of(settings, images.form().shape());
    state = new State(device);
    try {
      learner = new Learner(model, state, images.samples(), seed, Program.Options.DEFAULT);
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

  /** Everything that decides the numbers of a run. */
  static Map<String, String> configuration(
      Settings settings, Images images, long seed, String precision) {
    Map<String, String> c = new LinkedHashMap<>();
    c.put("variant", settings.variant());
    c.put("data", images.name());
    c.put("images", Long.toString(images.count()));
    c.put("image", images.form().toString());
    c.put("data-fingerprint", images.fingerprint());
    c.put("seed", Long.toString(seed));
    c.put("precision", precision);
    c.putAll(settings.values());
    return c;
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
   * @return the exit status
   * @throws KantorException with {@link Status#FAULT} if a value was not finite
   */
  int train(
      RunFolder folder,
      Manifest manifest,
      Checkpoint start,
      BroadcastOptions broadcast,
      PrintWriter err)
      throws IOException {
    double seconds = start == null ? 0 : start.seconds();
    long iteration = start == null ? 0 : start.iteration();
    Training.Outcome outcome;
    try (Sight sight = Sight.of(model, state, images, seed, err);
        Display display =
            new Display(
                err,
                Terminal.width(),
                manifest.goal(),
                job().metrics(),
                job().iterationsPerEpoch(),
                iteration,
                seconds);
        EventLog events = broadcast.events(folder, job().metrics(), iteration)) {
      Training training =
          new Training(
              job(),
              folder,
              manifest,
              new Training.Watcher() {
                private long at = iteration;

                @Override
                public void logged(Row row) throws IOException {
                  if (events != null) {
                    events.append(row);
                  }
                }

                @Override
                public void progress(Training.Progress p) {
                  at = p.iteration();
                  display.show(p);
                }

                @Override
                public void picture(String name) throws IOException {
                  Path picture = folder.samples().resolve(name + ".png");
                  sight.show(picture);
                  if (events != null && model.generation().isPresent()) {
                    events.picture(at, picture);
                  }
                  MetricsLog.Table metrics = MetricsLog.read(folder.path());
                  if (!metrics.rows().isEmpty()) {
                    Pictures.writeCurves(folder.path().resolve("curves.png"), metrics);
                  }
                }
              });
      try (Interruption _ = new Interruption(training::stop)) {
        outcome = training.run(seconds);
      }
    }
    String resume = "kantor resume " + quoted(folder.path());
    return switch (outcome.end()) {
      case DONE -> {
        err.println(
            "done: "
                + outcome.iteration()
                + " iterations"
                + (model.generation().isEmpty()
                    ? ""
                    : "; draw samples: kantor sample "
                        + quoted(folder.path())
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

  private static String remedy(Manifest manifest) {
    String regulariser = manifest.configuration().get("regulariser");
    if (regulariser == null) {
      return "";
    }
    return " or another " + (regulariser.equals("clip") ? "clip" : "regulariser");
  }

  /** A path as a shell reads it. */
  private static String quoted(Path path) {
    String s = path.toString();
    return s.matches("[\\w./+=:@%-]+") ? s : "'" + s.replace("'", "'\\''") + "'";
  }

  @Override
  public void close() {
    learner.close();
    state.close();
  }
}
