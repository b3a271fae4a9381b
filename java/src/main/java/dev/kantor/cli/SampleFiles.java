package dev.kantor.cli;

import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.PointSet;
import dev.kantor.io.ElementType;
import dev.kantor.io.Idx;
import dev.kantor.io.Npy;
import dev.kantor.io.Png;
import dev.kantor.report.Grid;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;

/** Samples as files; the form follows from the name. */
final class SampleFiles {
  private static final int FRAME_MILLIS = 60;

  private SampleFiles() {}

  static boolean isAnimation(Path out) {
    return out.toString().toLowerCase(Locale.ROOT).endsWith(".apng");
  }

  /**
   * Writes samples.
   *
   * @throws IllegalArgumentException if they have no such form
   * @throws IOException if the file cannot be written
   */
  static void write(Path out, Drawing.Result drawn, Form form, Arena arena) throws IOException {
    String name = out.toString().toLowerCase(Locale.ROOT);
    long count = drawn.samples().byteSize() / (4L * form.numbers());
    if (name.endsWith(".npy")) {
      long[] dims =
          LongStream.concat(LongStream.of(count), LongStream.of(form.shape().dims())).toArray();
      Npy.write(out, ElementType.F32, drawn.samples(), dims);
      return;
    }
    switch (form) {
      case Size size -> writeImages(out, name, drawn, count, size, arena);
      case Form.Plane(PointSet target) -> {
        if (!name.endsWith(".png")) {
          throw new IllegalArgumentException(
              "samples of "
                  + target.name()
                  + " are points, not images; give FILE.png for a plot or FILE.npy for the numbers,"
                  + " not "
                  + out);
        }
        PointPictures.writeSamples(out, drawn.samples().toArray(ValueLayout.JAVA_FLOAT), target);
      }
    }
  }

  private static void writeImages(
      Path out, String name, Drawing.Result drawn, long count, Size size, Arena arena)
      throws IOException {
    MemorySegment bytes = Pictures.toBytes(drawn.samples(), arena);
    if (name.endsWith(".png")) {
      Pictures.writeGrid(out, bytes, size, drawn.columns());
    } else if (isAnimation(out)) {
      writeAnimation(out, bytes, size, drawn.columns());
    } else if (name.endsWith(".idx") && size.channels() == 1) {
      Idx.write(out, bytes, count, size.height(), size.width());
    } else if (name.endsWith(".idx")) {
      Idx.write(out, bytes, count, size.channels(), size.height(), size.width());
    } else {
      writeFolder(out, bytes, size);
    }
  }

  /** There and back: each column of the grid is a frame. */
  private static void writeAnimation(Path out, MemorySegment bytes, Size size, int columns)
      throws IOException {
    int rows = (int) (bytes.byteSize() / size.numbers() / columns);
    Grid grid = Pictures.grid(size, 1, rows);
    List<byte[]> frames = new ArrayList<>();
    for (int step = 0; step < columns; step++) {
      byte[] column = new byte[rows * size.numbers()];
      for (int row = 0; row < rows; row++) {
        MemorySegment.copy(
            bytes,
            ValueLayout.JAVA_BYTE,
            ((long) row * columns + step) * size.numbers(),
            column,
            row * size.numbers(),
            size.numbers());
      }
      frames.add(grid.pixels(MemorySegment.ofArray(column)));
    }
    for (int step = columns - 2; step > 0; step--) {
      frames.add(frames.get(step));
    }
    Png.writeAnimation(
        out, frames, grid.pictureWidth(), grid.pictureHeight(), size.channels(), FRAME_MILLIS);
  }

  private static void writeFolder(Path out, MemorySegment bytes, Size size) throws IOException {
    if (Files.exists(out) && !Files.isDirectory(out)) {
      throw new IOException(
          out + " is a file; give a folder, or a name that ends in .png, .idx or .npy");
    }
    Files.createDirectories(out);
    int pixels = size.height() * size.width();
    for (long i = 0; i < bytes.byteSize() / size.numbers(); i++) {
      byte[] interleaved = new byte[size.numbers()];
      for (int p = 0; p < pixels; p++) {
        for (int c = 0; c < size.channels(); c++) {
          interleaved[p * size.channels() + c] =
              bytes.get(ValueLayout.JAVA_BYTE, i * size.numbers() + (long) c * pixels + p);
        }
      }
      Png.write(
          out.resolve(String.format(Locale.ROOT, "%06d.png", i)),
          interleaved,
          size.width(),
          size.height(),
          size.channels());
    }
  }
}
