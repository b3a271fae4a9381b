package dev.kantor.cli;

import dev.kantor.gan.CvaeGan;
import dev.kantor.gan.Generation;
import dev.kantor.gan.Model;
import dev.kantor.gan.Reconstruction;
import dev.kantor.gan.Sampler;
import dev.kantor.gan.Samples;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** What {@code kantor sample} draws: known before a device and a checkpoint are opened. */
interface Drawing {
  /** The slots that it reads. */
  List<Slot> slots();

  /**
   * Compiles it.
   *
   * @param state has the slots; their contents may still be on their way
   * @param images opens the data of the run, if asked
   */
  Open open(State state, Form form, Source images) throws IOException;

  /** The data of a run. */
  @FunctionalInterface
  interface Source {
    Images open() throws IOException;
  }

  /** Ready to draw. */
  interface Open extends AutoCloseable {
    Result draw(Arena arena) throws IOException;

    @Override
    void close();
  }

  /**
   * What was drawn.
   *
   * @param samples f32 [count, channels, height, width] in [-1, 1], or points [count, 2]
   * @param columns of a grid
   */
  record Result(MemorySegment samples, int columns) {
    void write(Path out, Form form, Arena arena) throws IOException {
      SampleFiles.write(out, this, form, arena);
    }
  }

  /** The kinds that exclude each other; none of them: samples. */
  final class Kind {
    @Option(
        names = "--all-classes",
        description = "A row of samples for each class; for variants that learn classes.")
    private boolean allClasses;

    @Option(
        names = "--reconstruct",
        description = "Test images, each with its reconstruction below; for cvae-gan.")
    private boolean reconstruct;

    @Option(
        names = "--interpolate",
        description = {
          "Samples on the way from one noise to another, a row for each class if there are"
              + " classes.",
          "FILE.png is a strip, FILE.apng an animation."
        })
    private boolean interpolate;

    /**
     * The drawing asked for.
     *
     * @param count null: not given
     * @param label null: not given
     * @throws IllegalArgumentException if the options do not go together
     * @throws KantorException if the model cannot draw so
     */
    Drawing of(Model model, Long count, Integer label, Path out, long seed) {
      Generation generation =
          model
              .generation()
              .orElseThrow(() -> unable("a classifier draws no samples; train another variant"));
      boolean animated = SampleFiles.isAnimation(out);
      if (count != null && count < 1) {
        throw new IllegalArgumentException("--count is " + count + "; expected at least 1");
      }
      if (animated && !interpolate) {
        throw new IllegalArgumentException("an animation needs --interpolate; else give FILE.png");
      }
      if (reconstruct) {
        if (!(model instanceof CvaeGan vae)) {
          throw unable("this variant has no encoder, so it reconstructs nothing; cvae-gan does");
        }
        if (label != null) {
          throw new IllegalArgumentException("--reconstruct takes images of every class");
        }
        return new Reconstructions(vae, Math.toIntExact(count == null ? 50 : count));
      }
      if (generation.classes() == 0 && (label != null || allClasses)) {
        throw unable(
            "the run has not learnt classes, so it cannot draw one; leave "
                + (label == null ? "--all-classes" : "--class")
                + " out, or train cvae-gan");
      }
      if (label != null && (label < 0 || label >= generation.classes())) {
        throw new IllegalArgumentException(
            "there is no class " + label + "; there are 0 to " + (generation.classes() - 1));
      }
      if (label != null && allClasses) {
        throw new IllegalArgumentException("--class and --all-classes exclude each other");
      }
      if (interpolate) {
        long steps = count == null ? (animated ? 30 : 10) : count;
        if (steps < 2) {
          throw new IllegalArgumentException("--interpolate needs a --count of at least 2 steps");
        }
        return new Interpolation(generation, label, Math.toIntExact(steps), seed);
      }
      if (count == null && !allClasses) {
        throw new IllegalArgumentException("give --count, the number of samples");
      }
      return allClasses
          ? new ByClass(generation, Math.toIntExact(count == null ? 10 : count), seed)
          : new Noise(generation, count, label, seed);
    }
  }

  private static KantorException unable(String message) {
    return new KantorException(Status.UNSUPPORTED, message);
  }

  /**
   * Samples of fresh noise.
   *
   * @param label null: all classes in turn, where there are any
   */
  record Noise(Generation generation, long count, Integer label, long seed) implements Drawing {
    @Override
    public List<Slot> slots() {
      return generation.slots();
    }

    @Override
    public Open open(State state, Form form, Source images) {
      long classes = Math.max(1, generation.classes());
      Sampler sampler = new Sampler(generation, state, (int) Math.min(count, Pictures.BATCH), seed);
      return new Sampling(sampler) {
        @Override
        public Result draw(Arena arena) {
          return new Result(
              Pictures.draw(
                  sampler, form, count, i -> label == null ? (int) (i % classes) : label, arena),
              Pictures.squareColumns(count));
        }
      };
    }
  }

  /** A row of samples for each class. */
  record ByClass(Generation generation, int columns, long seed) implements Drawing {
    @Override
    public List<Slot> slots() {
      return generation.slots();
    }

    @Override
    public Open open(State state, Form form, Source images) {
      Sampler sampler = new Sampler(generation, state, columns, seed);
      return new Sampling(sampler) {
        @Override
        public Result draw(Arena arena) {
          return new Result(
              Pictures.draw(
                  sampler, form, generation.classes() * columns, i -> (int) (i / columns), arena),
              columns);
        }
      };
    }
  }

  /**
   * The way from one noise to another on the great circle between them, which keeps to where the
   * noise of training lies (White 2016, section 2.1).
   *
   * @param label null: a row for each class, where there are any
   */
  record Interpolation(Generation generation, Integer label, int steps, long seed)
      implements Drawing {
    @Override
    public List<Slot> slots() {
      return generation.slots();
    }

    @Override
    public Open open(State state, Form form, Source images) {
      Sampler sampler = new Sampler(generation, state, steps, seed);
      return new Sampling(sampler) {
        @Override
        public Result draw(Arena arena) {
          float[] way = way(sampler.codes(0));
          long rows = label == null ? Math.max(1, generation.classes()) : 1;
          MemorySegment all = arena.allocate(4L * rows * steps * form.numbers(), 64);
          for (int row = 0; row < rows; row++) {
            int shown = label == null ? row : label;
            float[] x = sampler.decode(way, i -> shown);
            MemorySegment.copy(x, 0, all, ValueLayout.JAVA_FLOAT, 4L * row * x.length, x.length);
          }
          return new Result(all, steps);
        }
      };
    }

    /** From the first row of the codes [steps, latent] to the second. */
    private float[] way(float[] codes) {
      int n = (int) generation.latent();
      double dot = 0;
      double a = 0;
      double b = 0;
      for (int i = 0; i < n; i++) {
        dot += (double) codes[i] * codes[n + i];
        a += (double) codes[i] * codes[i];
        b += (double) codes[n + i] * codes[n + i];
      }
      double angle = Math.acos(Math.clamp(dot / Math.sqrt(a * b), -1, 1));
      float[] way = new float[steps * n];
      for (int s = 0; s < steps; s++) {
        double t = (double) s / (steps - 1);
        // A straight line where the two point the same or the opposite way.
        boolean straight = Math.sin(angle) < 1e-6;
        double from = straight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
        double to = straight ? t : Math.sin(t * angle) / Math.sin(angle);
        for (int i = 0; i < n; i++) {
          way[s * n + i] = (float) (from * codes[i] + to * codes[n + i]);
        }
      }
      return way;
    }
  }

  /** Test images, or training images where there are no others, and their reconstructions. */
  record Reconstructions(CvaeGan model, int count) implements Drawing {
    private static final int COLUMNS = 10;

    @Override
    public List<Slot> slots() {
      return Reconstruction.slots(model);
    }

    @Override
    public Open open(State state, Form form, Source images) throws IOException {
      Images all = images.open();
      Samples originals = all.test().orElse(all.samples());
      Reconstruction reconstruction = new Reconstruction(model, state, count, form.numbers());
      return new Open() {
        @Override
        public Result draw(Arena arena) {
          int n = form.numbers();
          float[] made = reconstruction.first(originals, count);
          int rows = (count + COLUMNS - 1) / COLUMNS;
          MemorySegment pairs = arena.allocate(8L * rows * COLUMNS * n, 64);
          pairs.fill((byte) 0);
          for (int i = 0; i < count; i++) {
            long above = ((long) i / COLUMNS * 2 * COLUMNS + i % COLUMNS) * n;
            for (int k = 0; k < n; k++) {
              int pixel = originals.data().get(ValueLayout.JAVA_BYTE, (long) i * n + k) & 0xff;
              pairs.setAtIndex(ValueLayout.JAVA_FLOAT, above + k, pixel / 127.5f - 1);
              pairs.setAtIndex(
                  ValueLayout.JAVA_FLOAT, above + (long) COLUMNS * n + k, made[i * n + k]);
            }
          }
          return new Result(pairs, COLUMNS);
        }

        @Override
        public void close() {
          reconstruction.close();
        }
      };
    }
  }

  /** With a sampler to close. */
  abstract class Sampling implements Open {
    private final Sampler sampler;

    private Sampling(Sampler sampler) {
      this.sampler = sampler;
    }

    @Override
    public void close() {
      sampler.close();
    }
  }
}
