package dev.kantor.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/**
 * Encodes 8-bit grey and RGB pictures as PNG (ISO/IEC 15948), and series of them as animated PNG,
 * with nothing but a deflater: no fonts, no display, no java.desktop. Pixels are rows from the top,
 * channels interleaved.
 */
public final class Png {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int FILTERS = 5;
  private static final int COST_BLOCK = 1 << 16;

  /**
   * Of 9: pictures are drawn while a training waits. 9 takes three to eight times as long for files
   * 2 to 5 % smaller.
   */
  private static final int LEVEL = 4;

  private Png() {}

  /**
   * Writes one picture, atomically.
   *
   * @param channels 1 for grey, 3 for RGB
   * @throws IllegalArgumentException if there are not width * height * channels pixels
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, byte[] pixels, int width, int height, int channels)
      throws IOException {
    byte[] encoded = encode(pixels, width, height, channels);
    AtomicFile.write(file, out -> out.write(encoded));
  }

  /**
   * Writes an endless animation, atomically. Viewers that know no animation show the first frame.
   *
   * @param frames at least one, all of the same size
   * @param delayMillis how long each frame stays, 1 to 65535
   * @throws IllegalArgumentException if a frame does not have width * height * channels pixels
   * @throws IOException if the file cannot be written
   */
  public static void writeAnimation(
      Path file, List<byte[]> frames, int width, int height, int channels, int delayMillis)
      throws IOException {
    if (frames.isEmpty()) {
      throw new IllegalArgumentException("an animation needs at least one frame");
    }
    if (delayMillis < 1 || delayMillis > 0xFFFF) {
      throw new IllegalArgumentException("the delay is 1 to 65535 ms, not " + delayMillis);
    }
    frames.forEach(frame -> check(frame, width, height, channels));
    AtomicFile.write(
        file,
        out -> {
          writeStart(out, width, height, channels);
          writeChunk(out, "acTL", ByteBuffer.allocate(8).putInt(frames.size()).putInt(0).array());
          int sequence = 0;
          for (int i = 0; i < frames.size(); i++) {
            ByteBuffer control = ByteBuffer.allocate(26);
            control.putInt(sequence++).putInt(width).putInt(height).putInt(0).putInt(0);
            control
                .putShort((short) delayMillis)
                .putShort((short) 1000)
                .put((byte) 0)
                .put((byte) 0);
            writeChunk(out, "fcTL", control.array());
            byte[] data = deflate(frames.get(i), width, height, channels);
            if (i == 0) {
              writeChunk(out, "IDAT", data);
            } else {
              writeChunk(
                  out,
                  "fdAT",
                  ByteBuffer.allocate(4 + data.length).putInt(sequence++).put(data).array());
            }
          }
          writeChunk(out, "IEND", new byte[0]);
        });
  }

  /**
   * One picture as the bytes of a PNG file.
   *
   * @throws IllegalArgumentException if there are not width * height * channels pixels
   */
  public static byte[] encode(byte[] pixels, int width, int height, int channels) {
    check(pixels, width, height, channels);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      writeStart(out, width, height, channels);
      writeChunk(out, "IDAT", deflate(pixels, width, height, channels));
      writeChunk(out, "IEND", new byte[0]);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return out.toByteArray();
  }

  private static void check(byte[] pixels, int width, int height, int channels) {
    if (width < 1 || height < 1 || (channels != 1 && channels != 3)) {
      throw new IllegalArgumentException(
          "a picture of "
              + width
              + " x "
              + height
              + " with "
              + channels
              + " channels; expected 1 (grey) or 3 (RGB)");
    }
    if (pixels.length != (long) width * height * channels) {
      throw new IllegalArgumentException(
          pixels.length + " bytes for " + width + " x " + height + " x " + channels);
    }
  }

  private static void writeStart(OutputStream out, int width, int height, int channels)
      throws IOException {
    out.write(SIGNATURE);
    ByteBuffer header = ByteBuffer.allocate(13);
    header.putInt(width).putInt(height).put((byte) 8).put((byte) (channels == 1 ? GREY : RGB));
    writeChunk(out, "IHDR", header.array());
  }

  private static void writeChunk(OutputStream out, String type, byte[] data) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    out.write(ByteBuffer.allocate(4).putInt(data.length).array());
    out.write(name);
    out.write(data);
    out.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  private static byte[] deflate(byte[] pixels, int width, int height, int channels)
      throws IOException {
    int rowBytes = width * channels;
    byte[] zeros = new byte[rowBytes];
    byte[] row = new byte[rowBytes];
    byte[] above = zeros;
    byte[][] filtered = new byte[FILTERS][rowBytes];
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Deflater deflater = new Deflater(LEVEL);
    try (DeflaterOutputStream packed = new DeflaterOutputStream(out, deflater, 1 << 14)) {
      for (int y = 0; y < height; y++) {
        System.arraycopy(pixels, y * rowBytes, row, 0, rowBytes);
        int best = filter(row, above, channels, filtered);
        packed.write(best);
        packed.write(filtered[best]);
        above = above == zeros ? new byte[rowBytes] : above;
        System.arraycopy(row, 0, above, 0, rowBytes);
      }
    } finally {
      deflater.end();
    }
    return out.toByteArray();
  }

  /**
   * Applies the five filters of the standard; returns the one whose residuals are smallest, the
   * standard's own advice. A loop each: so they are compiled to vector instructions, and a picture
   * of curves takes a third of the time.
   */
  private static int filter(byte[] row, byte[] above, int channels, byte[][] filtered) {
    int n = row.length;
    System.arraycopy(row, 0, filtered[0], 0, n);
    byte[] minusUp = filtered[2];
    for (int i = 0; i < n; i++) {
      minusUp[i] = (byte) (row[i] - above[i]);
    }
    long least = cost(filtered[0]);
    if (least > 0 && cost(minusUp) == 0) {
      return 2; // the same row again: no other filter leaves nothing
    }
    byte[] minusLeft = filtered[1];
    byte[] minusMean = filtered[3];
    byte[] minusPaeth = filtered[4];
    for (int i = 0; i < channels; i++) {
      minusLeft[i] = row[i];
      minusMean[i] = (byte) (row[i] - (above[i] & 0xFF) / 2);
      minusPaeth[i] = (byte) (row[i] - above[i]);
    }
    for (int i = channels; i < n; i++) {
      minusLeft[i] = (byte) (row[i] - row[i - channels]);
    }
    for (int i = channels; i < n; i++) {
      minusMean[i] = (byte) (row[i] - (((row[i - channels] & 0xFF) + (above[i] & 0xFF)) >>> 1));
    }
    for (int i = channels; i < n; i++) {
      int estimate = paeth(row[i - channels] & 0xFF, above[i] & 0xFF, above[i - channels] & 0xFF);
      minusPaeth[i] = (byte) (row[i] - estimate);
    }
    int best = 0;
    for (int f = 1; f < FILTERS; f++) {
      long cost = cost(filtered[f]);
      if (cost < least) {
        least = cost;
        best = f;
      }
    }
    return best;
  }

  private static long cost(byte[] residuals) {
    long cost = 0;
    for (int from = 0; from < residuals.length; from += COST_BLOCK) {
      int part = 0; // a sum of ints is one of vectors
      for (int i = from; i < Math.min(from + COST_BLOCK, residuals.length); i++) {
        part += Math.abs(residuals[i]);
      }
      cost += part;
    }
    return cost;
  }

  private static int paeth(int left, int up, int upLeft) {
    int estimate = left + up - upLeft;
    int toLeft = Math.abs(estimate - left);
    int toUp = Math.abs(estimate - up);
    int toUpLeft = Math.abs(estimate - upLeft);
    if (toLeft <= toUp && toLeft <= toUpLeft) {
      return left;
    }
    return toUp <= toUpLeft ? up : upLeft;
  }
}
