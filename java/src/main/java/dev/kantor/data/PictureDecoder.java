package dev.kantor.data;

import dev.kantor.io.FormatException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes PNG and JPEG with the JDK's readers. The only class that needs the module java.desktop,
 * which is loaded when the first picture is.
 */
final class PictureDecoder {
  private static final long MAX_PIXELS = 1 << 28;

  /**
   * Pixels that each pixel of the resized picture is at least a mean of, each way, if they are
   * there.
   */
  private static final int OVERSAMPLING = 8;

  private static final long MAX_BYTES = 1 << 28;
  private static final long PNG_SIGNATURE = 0x89504E470D0A1A0AL;
  private static final int PNG_CHUNK_OVERHEAD = 12;

  private PictureDecoder() {}

  /**
   * Decodes one picture; transparent parts come out black.
   *
   * @param channels 1 for grey (ITU-R BT.601 luma of colour pictures), 3 for RGB
   * @param height what the picture will be resized to: one that is much larger is thinned out while
   *     it is read, so that memory stays bounded whatever a file claims
   * @param width likewise
   * @throws FormatException if the file is damaged, no PNG or JPEG, or too large
   * @throws IOException if it cannot be read, or this Java has no image readers
   */
  static Picture decode(Path file, int channels, int height, int width) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new FormatException(
          file, "has " + Files.size(file) + " bytes; pictures have at most " + MAX_BYTES);
    }
    byte[] bytes = Files.readAllBytes(file);
    String format = format(file, bytes);
    try {
      return read(file, format, bytes, channels, height, width);
    } catch (NoClassDefFoundError | UnsatisfiedLinkError e) {
      throw new IOException(
          "cannot decode "
              + file
              + ": this Java lacks the module java.desktop; use a full JDK or IDX files",
          e);
    } catch (FormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The JDK's readers meet damage with exceptions of many kinds.
      throw new FormatException(
          file, "is not a sound " + format + " picture (" + e + "); remove it or save it anew", e);
    }
  }

  private static Picture read(
      Path file, String format, byte[] bytes, int channels, int height, int width)
      throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName(format).next();
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(in, true, true);
      long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
      if (pixels < 1 || pixels > MAX_PIXELS) {
        throw new FormatException(
            file,
            "is "
                + reader.getWidth(0)
                + " x "
                + reader.getHeight(0)
                + "; pictures have 1 to "
                + MAX_PIXELS
                + " pixels");
      }
      ImageReadParam thinning = reader.getDefaultReadParam();
      thinning.setSourceSubsampling(
          Math.max(1, reader.getWidth(0) / (OVERSAMPLING * width)),
          Math.max(1, reader.getHeight(0) / (OVERSAMPLING * height)),
          0,
          0);
      return picture(reader.read(0, thinning), channels);
    } finally {
      reader.dispose();
    }
  }

  private static Picture picture(BufferedImage image, int channels) {
    int width = image.getWidth();
    int height = image.getHeight();
    float[][] planes = new float[channels][width * height];
    ColorModel model = image.getColorModel();
    boolean grey =
        model instanceof ComponentColorModel
            && model.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    int[] row = new int[width];
    for (int y = 0; y < height; y++) {
      if (!grey) {
        image.getRGB(0, y, width, 1, row, 0, width);
      }
      for (int x = 0; x < width; x++) {
        if (grey) {
          // Not getRGB: it would take the samples for linear light and brighten them.
          float value = greyAt(image.getRaster(), model, x, y);
          for (float[] plane : planes) {
            plane[y * width + x] = value;
          }
        } else {
          colourAt(row[x], planes, y * width + x);
        }
      }
    }
    return new Picture(height, width, planes);
  }

  private static float greyAt(Raster raster, ColorModel model, int x, int y) {
    float value = 255f * raster.getSample(x, y, 0) / ((1 << model.getComponentSize(0)) - 1);
    return model.hasAlpha()
        ? value * raster.getSample(x, y, 1) / ((1 << model.getComponentSize(1)) - 1)
        : value;
  }

  private static void colourAt(int argb, float[][] planes, int index) {
    float opacity = (argb >>> 24) / 255f;
    float red = opacity * (argb >> 16 & 0xFF);
    float green = opacity * (argb >> 8 & 0xFF);
    float blue = opacity * (argb & 0xFF);
    if (planes.length == 1) {
      planes[0][index] = 0.299f * red + 0.587f * green + 0.114f * blue;
    } else {
      planes[0][index] = red;
      planes[1][index] = green;
      planes[2][index] = blue;
    }
  }

  private static String format(Path file, byte[] bytes) throws FormatException {
    if (bytes.length >= 8 && ByteBuffer.wrap(bytes).getLong() == PNG_SIGNATURE) {
      checkChunks(file, ByteBuffer.wrap(bytes, 8, bytes.length - 8));
      return "png";
    }
    if (bytes.length >= 2 && bytes[0] == (byte) 0xFF && bytes[1] == (byte) 0xD8) {
      return "jpeg";
    }
    throw new FormatException(file, "is neither PNG nor JPEG, whatever its name says; remove it");
  }

  /** The JDK's reader allocates what a chunk claims to hold, so a false claim must not reach it. */
  private static void checkChunks(Path file, ByteBuffer bytes) throws FormatException {
    while (bytes.hasRemaining()) {
      long claimed =
          bytes.remaining() < PNG_CHUNK_OVERHEAD
              ? 0
              : Integer.toUnsignedLong(bytes.getInt(bytes.position()));
      if (claimed + PNG_CHUNK_OVERHEAD > bytes.remaining()) {
        throw new FormatException(
            file,
            "is a truncated or damaged PNG: a part claims "
                + claimed
                + " bytes, but "
                + bytes.remaining()
                + " are left");
      }
      bytes.position(bytes.position() + PNG_CHUNK_OVERHEAD + (int) claimed);
    }
  }
}
