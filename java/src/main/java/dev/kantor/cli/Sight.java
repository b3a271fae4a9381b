package dev.kantor.cli;

import dev.kantor.data.PointSet;
import dev.kantor.gan.Classification;
import dev.kantor.gan.Classifier;
import dev.kantor.gan.Design;
import dev.kantor.gan.Generation;
import dev.kantor.gan.Model;
import dev.kantor.gan.Sampler;
import dev.kantor.gan.Samples;
import dev.kantor.gan.Scores;
import dev.kantor.graph.State;
import dev.kantor.metrics.ModeCoverage;
import dev.kantor.train.Aside;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Locale;

/** What can be seen of a model while it learns, at the end of each epoch. */
interface Sight extends AutoCloseable {
  /** Samples in a picture, and in a row of it. */
  int SAMPLES = 100;

  int COLUMNS = 10;

  /** Where the picture is there already, or there is none. */
  Aside.Work NOTHING_LEFT = () -> {};

  /**
   * Looks at the model as it is now.
   *
   * @param picture where a picture goes, if there is one
   * @return what is left to be done then, whatever the model does meanwhile: the host's part
   */
  Aside.Work show(Path picture) throws IOException;

  @Override
  void close();

  /** What there is to see of a model. */
  static Sight of(Model model, State state, Images images, long seed, PrintWriter err) {
    if (model instanceof Design design && images.form() instanceof Form.Plane(PointSet target)) {
      return new Scattered(
          new Sampler(model.generation().orElseThrow(), state, Pictures.BATCH, seed),
          new Scores(design.critic(), state, images.form().numbers()),
          target,
          err);
    }
    if (model.generation().isPresent() && images.form() instanceof Pictures.Size size) {
      return new Drawn(
          model.generation().get(),
          new Sampler(model.generation().get(), state, Pictures.BATCH, seed),
          size);
    }
    if (model instanceof Classifier classifier && images.test().isPresent()) {
      return new Tested(
          new Classification(classifier, state, images.form().numbers()), images.test().get(), err);
    }
    return new Nothing();
  }

  /** A grid of samples; where there are classes, each has its row, or rows. */
  record Drawn(Generation generation, Sampler sampler, Pictures.Size size) implements Sight {
    @Override
    public Aside.Work show(Path picture) {
      long classes = Math.max(1, generation.classes());
      MemorySegment bytes;
      try (Arena arena = Arena.ofConfined()) {
        bytes =
            Pictures.toBytes(
                Pictures.draw(sampler, size, SAMPLES, i -> (int) (i / COLUMNS % classes), arena),
                Arena.ofAuto());
      }
      return () -> Pictures.writeGrid(picture, bytes, size, COLUMNS);
    }

    @Override
    public void close() {
      sampler.close();
    }
  }

  /** Samples over the target density, and over the critic's landscape. */
  record Scattered(Sampler sampler, Scores critic, PointSet target, PrintWriter err)
      implements Sight {
    private static final int POINTS = 1000;

    @Override
    public Aside.Work show(Path picture) throws IOException {
      float[] points;
      try (Arena arena = Arena.ofConfined()) {
        points =
            Pictures.draw(sampler, new Form.Plane(target), POINTS, i -> 0, arena)
                .toArray(ValueLayout.JAVA_FLOAT);
      }
      ModeCoverage coverage = PointPictures.writeProgress(picture, points, target, critic);
      err.println(
          PointPictures.describe(coverage)
              + String.format(Locale.ROOT, ", reverse KL %.3f nats", coverage.reverseDivergence()));
      return NOTHING_LEFT;
    }

    @Override
    public void close() {
      sampler.close();
      critic.close();
    }
  }

  /** The share of test images that a classifier is right about. */
  record Tested(Classification classification, Samples test, PrintWriter err) implements Sight {
    @Override
    public Aside.Work show(Path picture) {
      err.println(
          String.format(
              Locale.ROOT,
              "%.2f %% of %,d test images are classified correctly",
              100 * classification.accuracy(test),
              test.count()));
      return NOTHING_LEFT;
    }

    @Override
    public void close() {
      classification.close();
    }
  }

  /** Nothing. */
  record Nothing() implements Sight {
    @Override
    public Aside.Work show(Path picture) {
      return NOTHING_LEFT;
    }

    @Override
    public void close() {
      // Nothing was opened.
    }
  }
}
