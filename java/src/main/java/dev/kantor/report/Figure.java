package dev.kantor.report;

import dev.kantor.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Panels one above the other in one picture.
 *
 * @param width pixels
 * @param height pixels, shared equally by the panels
 * @param panels from the top
 */
public record Figure(int width, int height, List<Panel> panels) {
  /** Below this a panel has no room for its labels. */
  private static final int MIN_SIDE = 150;

  public Figure {
    panels = List.copyOf(panels);
    if (panels.isEmpty()
        || width < MIN_SIDE
        || height / panels.size() < MIN_SIDE
        || (long) width * height > 1 << 26) {
      throw new IllegalArgumentException(
          panels.size()
              + " panels on "
              + width
              + " x "
              + height
              + "; each needs "
              + MIN_SIDE
              + " pixels both ways");
    }
  }

  /** The picture as the bytes of a PNG file. */
  public byte[] png() {
    Canvas canvas = new Canvas(width, height);
    double each = (double) height / panels.size();
    for (int i = 0; i < panels.size(); i++) {
      panels.get(i).draw(canvas, new Panel.Area(0, i * each, width, (i + 1) * each));
    }
    return canvas.png();
  }

  /**
   * Writes the picture as PNG, atomically.
   *
   * @throws IOException if the file cannot be written
   */
  public void write(Path file) throws IOException {
    byte[] bytes = png();
    AtomicFile.write(file, out -> out.write(bytes));
  }
}
