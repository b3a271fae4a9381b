package dev.kantor.cli;

import dev.kantor.gan.Sampler;
import dev.kantor.report.Figure;
import dev.kantor.report.Grid;
import dev.kantor.report.LinePlot;
import dev.kantor.report.Panel;
import dev.kantor.report.Series;
import dev.kantor.train.MetricsLog;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/** Samples and curves as pictures. */
final class Pictures {
  private static final int CHUNK = 1 << 16;
  private static final int PADDING = 2;
  private static final int CURVES_WIDTH = 1000;
  private static final int PANEL_HEIGHT = 320;

  private Pictures() {}

  /**
   * What an image is made of.
   *
   * @param channels 1 or 3
   */
  record Size(int channels, int height, int width) {
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

    int numbers() {
      return channels * height * width;
    }

    @Override
    public String toString() {
      return channels + "x" + height + "x" + width;
    }
  }

  /** The first {@code count} samples, f32 [count, numbers of one] in [-1, 1]. */
  static MemorySegment draw(Sampler sampler, Size size, long count, Arena arena) {
    long bytes = Math.multiplyExact(count, 4L * size.numbers());
    MemorySegment all = arena.allocate(bytes, 64);
    for (long row = 0; row < count; row += sampler.rows()) {
      float[] batch = sampler.batch(row / sampler.rows());
      int n = (int) (Math.min(sampler.rows(), count - row) * size.numbers());
      MemorySegment.copy(batch, 0, all, ValueLayout.JAVA_FLOAT, row * 4 * size.numbers(), n);
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

  /** Images in a grid as square as their number allows. */
  static void writeGrid(Path file, MemorySegment bytes, Size size, int scale) throws IOException {
    long count = bytes.byteSize() / size.numbers();
    int columns = (int) Math.ceil(Math.sqrt(count));
    int rows = (int) ((count + columns - 1) / columns);
    new Grid(rows, columns, size.channels(), size.height(), size.width(), PADDING, scale)
        .write(file, bytes);
  }

  /** Losses, distance and gradient norms over the epochs. */
  static void writeCurves(Path file, MetricsLog.Table table) throws IOException {
    double[] epoch = table.column("epoch");
    Panel losses =
        plot("Losses", "loss", false, table, epoch, "critic_loss", "generator_loss", "penalty");
    Panel distance = plot("Distance estimate", "distance", false, table, epoch, "distance");
    Panel norms =
        plot(
            "Gradient norms",
            "norm",
            true,
            table,
            epoch,
            "critic_gradient_norm",
            "generator_gradient_norm");
    new Figure(CURVES_WIDTH, 3 * PANEL_HEIGHT, List.of(losses, distance, norms)).write(file);
  }

  private static Panel plot(
      String title,
      String y,
      boolean logarithmic,
      MetricsLog.Table table,
      double[] x,
      String... columns) {
    List<Series> series =
        List.of(columns).stream()
            .map(c -> new Series(c.replace('_', ' '), x, table.column(c)))
            .toList();
    return new LinePlot(new Panel.Labels(title, "epoch", y), logarithmic, series);
  }
}
