package dev.kantor.cli;

import dev.kantor.gan.Sampler;
import dev.kantor.report.Curves;
import dev.kantor.report.Figure;
import dev.kantor.report.Grid;
import dev.kantor.report.LinePlot;
import dev.kantor.report.Panel;
import dev.kantor.report.Series;
import dev.kantor.tensor.Shape;
import dev.kantor.train.Evaluated;
import dev.kantor.train.MetricsLog;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.LongToIntFunction;

/** Samples and curves as pictures. */
final class Pictures {
  private static final int CHUNK = 1 << 16;

  /**
   * Samples that are drawn at a time: more gain nothing, and the planes of a convolutional
   * generator take a megabyte a sample. It decides which noise a sample comes from.
   */
  static final int BATCH = 20;

  private static final int PADDING = 2;
  private static final int ENLARGED = 64;
  private static final int MOST_ENLARGED = 4;
  private static final int CURVES_WIDTH = 1000;
  private static final int PANEL_HEIGHT = 320;

  private Pictures() {}

  /**
   * What an image is made of.
   *
   * @param channels 1 or 3
   */
  record Size(int channels, int height, int width) implements Form {
    /** As in {@code 1x28x28}. */
    static Size parse(String text) {
      String[] parts = text.split("x");
      if (parts.length != 3) {
        throw new IllegalArgumentException(
            "image is '" + text + "'; expected channels x height x width, as in 1x28x28");
      }
      return new Size(
          Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
    }

    @Override
    public Shape shape() {
      return Shape.of(channels, height, width);
    }

    @Override
    public String describe(long count) {
      return String.format(Locale.ROOT, "%,d images of %s", count, this);
    }

    @Override
    public String toString() {
      return channels + "x" + height + "x" + width;
    }
  }

  /**
   * The first {@code count} samples, f32 [count, numbers of one]: pixels in [-1, 1], points as they
   * are.
   *
   * @param classOf the class of each, where there are classes
   */
  static MemorySegment draw(
      Sampler sampler, Form form, long count, LongToIntFunction classOf, Arena arena) {
    long bytes = Math.multiplyExact(count, 4L * form.numbers());
    MemorySegment all = arena.allocate(bytes, 64);
    for (long row = 0; row < count; row += sampler.rows()) {
      long first = row;
      float[] batch = sampler.batch(row / sampler.rows(), i -> classOf.applyAsInt(first + i));
      int n = (int) (Math.min(sampler.rows(), count - row) * form.numbers());
      MemorySegment.copy(batch, 0, all, ValueLayout.JAVA_FLOAT, row * 4 * form.numbers(), n);
    }
    return all;
  }

  /** From [-1, 1] to 0 .. 255, rounded. */
  static MemorySegment toBytes(MemorySegment floats, Arena arena) {
    long n = floats.byteSize() / 4;
    MemorySegment bytes = arena.allocate(n);
    // In arrays: where nothing is compiled yet, an access to a segment takes many times as long.
    float[] from = new float[(int) Math.min(CHUNK, n)];
    byte[] to = new byte[from.length];
    for (long done = 0; done < n; done += from.length) {
      int part = (int) Math.min(from.length, n - done);
      MemorySegment.copy(floats, ValueLayout.JAVA_FLOAT, 4 * done, from, 0, part);
      for (int i = 0; i < part; i++) {
        to[i] = (byte) Math.clamp(Math.round((from[i] + 1) * 127.5f), 0, 255);
      }
      MemorySegment.copy(to, 0, bytes, ValueLayout.JAVA_BYTE, done, part);
    }
    return bytes;
  }

  /** How many columns make a grid of so many images as square as their number allows. */
  static int squareColumns(long count) {
    return (int) Math.ceil(Math.sqrt(count));
  }

  /** Images in a grid. */
  static void writeGrid(Path file, MemorySegment bytes, Size size, int columns) throws IOException {
    int rows = (int) ((bytes.byteSize() / size.numbers() + columns - 1) / columns);
    grid(size, rows, columns).write(file, bytes);
  }

  /** A grid in which small images are enlarged, pixel by pixel, so that one sees them. */
  static Grid grid(Size size, int rows, int columns) {
    int scale = Math.clamp(ENLARGED / Math.max(size.height(), size.width()), 1, MOST_ENLARGED);
    return new Grid(rows, columns, size.channels(), size.height(), size.width(), PADDING, scale);
  }

  /**
   * What the model reports over the epochs, and what evaluations measured, if there are some: a
   * panel for each kind.
   */
  static void writeCurves(Path file, MetricsLog.Table table, List<Evaluated> evaluations)
      throws IOException {
    double[] epoch = table.column("epoch");
    List<Panel> panels = new ArrayList<>();
    for (Curves c : Curves.ALL) {
      add(
          panels,
          c,
          c.columns().stream()
              .filter(table.columns()::contains)
              .map(name -> new Series(name.replace('_', ' '), epoch, table.column(name)))
              .toList());
    }
    double[] evaluated = evaluations.stream().mapToDouble(Evaluated::epoch).toArray();
    for (Curves c : Curves.EVALUATIONS) {
      add(
          panels,
          c,
          c.columns().stream()
              .map(name -> series(name, evaluated, evaluations))
              .filter(s -> Arrays.stream(s.y()).filter(Double::isFinite).count() > 1)
              .toList());
    }
    new Figure(CURVES_WIDTH, panels.size() * PANEL_HEIGHT, panels).write(file);
  }

  private static Series series(String measure, double[] epoch, List<Evaluated> evaluations) {
    return new Series(
        measure.replace('-', ' '),
        epoch,
        evaluations.stream().mapToDouble(e -> e.value(measure)).toArray());
  }

  private static void add(List<Panel> panels, Curves c, List<Series> series) {
    if (!series.isEmpty()) {
      panels.add(
          new LinePlot(new Panel.Labels(c.title(), "epoch", c.axis()), c.logarithmic(), series));
    }
  }
}
