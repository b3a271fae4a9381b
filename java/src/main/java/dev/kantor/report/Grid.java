package dev.kantor.report;

import dev.kantor.io.Png;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * Images side by side, in rows.
 *
 * @param rows of images
 * @param columns of images
 * @param channels of each image: 1 grey, 3 RGB
 * @param height of each image
 * @param width of each image
 * @param padding black pixels around each image
 * @param scale how many pixels each way an image's pixel takes
 */
public record Grid(
    int rows, int columns, int channels, int height, int width, int padding, int scale) {
  public Grid {
    if (rows < 1
        || columns < 1
        || (channels != 1 && channels != 3)
        || height < 1
        || width < 1
        || padding < 0
        || scale < 1) {
      throw new IllegalArgumentException(
          "a grid of "
              + rows
              + " x "
              + columns
              + " images of "
              + channels
              + " x "
              + height
              + " x "
              + width
              + ", padding "
              + padding
              + ", scale "
              + scale);
    }
  }

  /**
   * Writes a grid as PNG, atomically.
   *
   * @param images u8 [n, channels, height, width], n at most rows * columns; places left over stay
   *     black
   * @throws IllegalArgumentException if there are more images than places, or not a whole number of
   *     them
   * @throws IOException if the file cannot be written
   */
  public void write(Path file, MemorySegment images) throws IOException {
    Png.write(file, pixels(images), pictureWidth(), pictureHeight(), channels);
  }

  /** Pixels of the whole picture across. */
  public int pictureWidth() {
    return Math.multiplyExact(scale, padding + columns * (width + padding));
  }

  /** Pixels of the whole picture down. */
  public int pictureHeight() {
    return Math.multiplyExact(scale, padding + rows * (height + padding));
  }

  /**
   * The whole picture, rows from the top, channels interleaved: what {@link Png} takes. Arguments
   * as in {@link #write}.
   */
  public byte[] pixels(MemorySegment images) {
    long imageBytes = (long) channels * height * width;
    long count = images.byteSize() / imageBytes;
    if (images.byteSize() % imageBytes != 0 || count > (long) rows * columns) {
      throw new IllegalArgumentException(
          images.byteSize()
              + " bytes are not up to "
              + rows * columns
              + " images of "
              + imageBytes
              + " bytes");
    }
    int across = pictureWidth();
    byte[] pixels =
        new byte[Math.multiplyExact(Math.multiplyExact(across, pictureHeight()), channels)];
    for (int i = 0; i < count; i++) {
      int left = scale * (padding + i % columns * (width + padding));
      int top = scale * (padding + i / columns * (height + padding));
      for (int y = 0; y < height * scale; y++) {
        for (int x = 0; x < width * scale; x++) {
          for (int c = 0; c < channels; c++) {
            long from = i * imageBytes + ((long) c * height + y / scale) * width + x / scale;
            pixels[((top + y) * across + left + x) * channels + c] =
                images.get(ValueLayout.JAVA_BYTE, from);
          }
        }
      }
    }
    return pixels;
  }
}
