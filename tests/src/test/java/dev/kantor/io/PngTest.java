package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PngTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"1,1,1", "1,1,3", "28,28,1", "7,13,3", "1,50,1", "50,1,3", "300,200,3"})
  void anotherDecoderSeesTheSamePixels(int width, int height, int channels) throws IOException {
    for (boolean smooth : new boolean[] {true, false}) {
      byte[] pixels = pixels(width, height, channels, smooth);
      Path file = folder.resolve("p.png");
      Png.write(file, pixels, width, height, channels);
      assertPixels(pixels, channels, ImageIO.read(file.toFile()));
    }
  }

  @Test
  void smoothPicturesPack() {
    byte[] encoded = Png.encode(pixels(256, 256, 3, true), 256, 256, 3);
    assertTrue(encoded.length < 256 * 256 * 3 / 20, encoded.length + " bytes");
  }

  @Test
  void anAnimationIsAPictureWithItsFramesBehind() throws IOException {
    List<byte[]> frames =
        List.of(pixels(9, 5, 3, true), pixels(9, 5, 3, false), pixels(9, 5, 3, false));
    Path file = folder.resolve("a.png");
    Png.writeAnimation(file, frames, 9, 5, 3, 80);
    byte[] bytes = Files.readAllBytes(file);
    assertPixels(frames.getFirst(), 3, ImageIO.read(new ByteArrayInputStream(bytes)));
    assertEquals(
        List.of("IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"),
        chunks(bytes));
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Png.encode(new byte[11], 3, 4, 1));
    assertThrows(IllegalArgumentException.class, () -> Png.encode(new byte[0], 0, 4, 1));
    assertThrows(IllegalArgumentException.class, () -> Png.encode(new byte[24], 3, 4, 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> Png.writeAnimation(folder.resolve("a"), List.of(), 1, 1, 1, 50));
  }

  /** The chunks' names; their order numbers and sums are checked. */
  private static List<String> chunks(byte[] png) {
    List<String> names = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(png, 8, png.length - 8);
    int sequence = 0;
    while (in.hasRemaining()) {
      byte[] data = new byte[in.getInt()];
      byte[] name = new byte[4];
      in.get(name).get(data);
      CRC32 crc = new CRC32();
      crc.update(name);
      crc.update(data);
      assertEquals((int) crc.getValue(), in.getInt());
      names.add(new String(name, StandardCharsets.US_ASCII));
      if (names.getLast().equals("fcTL") || names.getLast().equals("fdAT")) {
        assertEquals(sequence++, ByteBuffer.wrap(data).getInt());
      }
    }
    return names;
  }

  private static byte[] pixels(int width, int height, int channels, boolean smooth) {
    byte[] pixels = new byte[width * height * channels];
    new Random(width).nextBytes(pixels);
    for (int i = 0; smooth && i < pixels.length; i++) {
      pixels[i] = (byte) (i / channels % width + i / channels / width + 30 * (i % channels));
    }
    return pixels;
  }

  private static void assertPixels(byte[] pixels, int channels, BufferedImage image) {
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        for (int c = 0; c < channels; c++) {
          assertEquals(
              pixels[(y * image.getWidth() + x) * channels + c] & 0xFF,
              image.getRaster().getSample(x, y, c),
              x + ", " + y + ", " + c);
        }
      }
    }
  }
}
