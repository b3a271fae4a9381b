package dev.kantor.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.io.FormatException;
import dev.kantor.io.Mutations;
import dev.kantor.io.Png;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {
  private static final int FUZZ_CASES = 7_000;

  @TempDir private Path folder;

  @Test
  void subFoldersAreClassesInTheOrderOfTheirNames() throws IOException {
    save("dog/b.png", 40);
    save("cat/a.PNG", 10);
    save("cat/c.png", 20);
    save("dog/.hidden.png", 99);
    Files.createDirectories(folder.resolve("empty"));
    Files.writeString(folder.resolve("cat/notes.txt"), "not a picture");
    ImageSet set = ImageFolder.read(folder, 1, 4, 4);
    assertEquals(List.of(3, 2), List.of(set.count(), set.classes()));
    assertEquals(List.of(0, 0, 1), List.of(set.label(0), set.label(1), set.label(2)));
    assertEquals(
        List.of((byte) 10, (byte) 20, (byte) 40),
        List.of(first(set, 0), first(set, 1), first(set, 2)));
  }

  @Test
  void picturesRightInTheFolderHaveNoLabels() throws IOException {
    save("one.png", 7);
    ImageSet set =
        (ImageSet)
            DataSets.open(folder.toString(), DataSets.Options.defaults().withImages(3, 2, 5));
    assertEquals(
        List.of(1, 3, 2, 5, 0),
        List.of(set.count(), set.channels(), set.height(), set.width(), set.classes()));
    assertTrue(set.labels().isEmpty());
    assertThrows(IllegalStateException.class, () -> set.label(0));
  }

  @Test
  void emptyAndMixedFoldersSayWhatToDo() throws IOException {
    assertTrue(
        assertThrows(IOException.class, () -> ImageFolder.read(folder, 1, 4, 4))
            .getMessage()
            .contains("there are no .png, .jpg or .jpeg files in " + folder));
    save("a.png", 1);
    save("sub/b.png", 1);
    assertTrue(
        assertThrows(IOException.class, () -> ImageFolder.read(folder, 1, 4, 4))
            .getMessage()
            .contains("move the former, such as a.png, into a sub-folder"));
  }

  @Test
  void theBadPictureIsNamed() throws IOException {
    save("a.png", 1);
    Files.writeString(folder.resolve("b.png"), "no picture at all");
    FormatException e =
        assertThrows(FormatException.class, () -> ImageFolder.read(folder, 1, 4, 4));
    assertEquals(
        folder.resolve("b.png") + ": is neither PNG nor JPEG, whatever its name says; remove it",
        e.getMessage());
  }

  @Test
  void greySamplesAreTakenAsTheyAre() throws IOException {
    byte[] ramp = new byte[256];
    for (int i = 0; i < 256; i++) {
      ramp[i] = (byte) i;
    }
    Png.write(folder.resolve("ramp.png"), ramp, 16, 16, 1);
    ImageSet set = ImageFolder.read(folder, 1, 16, 16);
    assertArrayEquals(ramp, set.images().toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void colourBecomesPlanesOrLuma() throws IOException {
    byte[] pixels = {(byte) 255, 0, 0, 0, (byte) 255, 0, 0, 0, (byte) 255, 100, 100, 100};
    Png.write(folder.resolve("p.png"), pixels, 2, 2, 3);
    assertArrayEquals(
        new byte[] {(byte) 255, 0, 0, 100, 0, (byte) 255, 0, 100, 0, 0, (byte) 255, 100},
        ImageFolder.read(folder, 3, 2, 2).images().toArray(ValueLayout.JAVA_BYTE));
    assertArrayEquals(
        new byte[] {76, (byte) 150, 29, 100},
        ImageFolder.read(folder, 1, 2, 2).images().toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void transparentPartsAreBlackAndPalettesAreResolved() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x00FFFFFF);
    image.setRGB(1, 0, 0x80FFFFFF);
    ImageIO.write(image, "png", folder.resolve("a.png").toFile());
    BufferedImage bits = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY);
    bits.setRGB(1, 0, 0xFFFFFFFF);
    ImageIO.write(bits, "png", folder.resolve("b.png").toFile());
    assertArrayEquals(
        new byte[] {0, (byte) 128, 0, (byte) 255},
        ImageFolder.read(folder, 1, 1, 2).images().toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void shrinkingAveragesAndAConstantStaysOne() {
    float[] checks = new float[64];
    for (int i = 0; i < 64; i++) {
      checks[i] = (i % 8 + i / 8) % 2 * 200;
    }
    for (byte value : Resize.apply(new Picture(8, 8, new float[][] {checks}), 2, 2)) {
      assertEquals(100, value, 1);
    }
    float[] flat = new float[35];
    Arrays.fill(flat, 77);
    for (int size : new int[] {1, 3, 5, 7, 64}) {
      for (byte value : Resize.apply(new Picture(5, 7, new float[][] {flat}), size, size)) {
        assertEquals(77, value);
      }
    }
    assertArrayEquals(
        new byte[] {0, 25, 75, 100},
        Resize.apply(new Picture(1, 2, new float[][] {{0, 100}}), 1, 4));
  }

  @Test
  void aPictureTooLargeForMemoryIsRefusedBeforeItIsDecoded() throws IOException {
    byte[] png = Png.encode(new byte[16], 4, 4, 1);
    byte[] header = Arrays.copyOfRange(png, 12, 29);
    header[4] = 0x7F;
    header[8] = 0x7F;
    CRC32 crc = new CRC32();
    crc.update(header);
    ByteBuffer.wrap(png).put(12, header).putInt(29, (int) crc.getValue());
    Files.write(folder.resolve("huge.png"), png);
    FormatException e =
        assertThrows(FormatException.class, () -> ImageFolder.read(folder, 1, 4, 4));
    assertTrue(e.getMessage().contains("pictures have 1 to"), e.getMessage());
  }

  /** A small file that takes hundreds of megabytes when it is decoded whole. */
  @Test
  void aBombIsThinnedWhileItIsRead() throws IOException {
    int side = 6_000;
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_BINARY);
    image.getRaster().setDataElements(side / 2, 0, side / 2, side, ones(side / 2 * side));
    ImageIO.write(image, "png", folder.resolve("bomb.png").toFile());
    Picture picture = PictureDecoder.decode(folder.resolve("bomb.png"), 3, 28, 28);
    assertTrue(picture.height() < 500 && picture.width() < 500, picture.height() + " rows");
    ImageSet set = ImageFolder.read(folder, 1, 1, 4);
    assertEquals(0, first(set, 0));
    assertEquals(-1, set.images().get(ValueLayout.JAVA_BYTE, 3));
  }

  @Test
  void everyMutationIsDecodedOrRefused() throws IOException {
    byte[] pixels = new byte[12 * 9 * 3];
    new Random(1).nextBytes(pixels);
    BufferedImage smooth = new BufferedImage(12, 9, BufferedImage.TYPE_INT_RGB);
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    ImageIO.write(smooth, "jpeg", jpeg);
    BufferedImage palette = new BufferedImage(12, 9, BufferedImage.TYPE_BYTE_INDEXED);
    ByteArrayOutputStream indexed = new ByteArrayOutputStream();
    ImageIO.write(palette, "png", indexed);
    List<byte[]> valid =
        List.of(
            Png.encode(pixels, 12, 9, 3),
            Png.encode(new byte[108], 12, 9, 1),
            jpeg.toByteArray(),
            indexed.toByteArray());
    Random random = new Random(3);
    Path file = folder.resolve("fuzz");
    int refused = 0;
    for (int i = 0; i < FUZZ_CASES; i++) {
      Mutations.put(file, Mutations.mutate(valid.get(i % valid.size()), random));
      try {
        Picture picture = PictureDecoder.decode(file, 1 + 2 * (i % 2), 6, 6);
        assertEquals(picture.height() * picture.width(), picture.planes()[0].length);
      } catch (FormatException e) {
        refused++;
      }
    }
    assertTrue(
        refused > FUZZ_CASES / 4 && refused < FUZZ_CASES,
        refused + " of " + FUZZ_CASES + " refused");
  }

  private static byte[] ones(int count) {
    byte[] ones = new byte[count];
    Arrays.fill(ones, (byte) 1);
    return ones;
  }

  private void save(String name, int grey) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    byte[] pixels = new byte[8 * 8];
    Arrays.fill(pixels, (byte) grey);
    Png.write(file, pixels, 8, 8, 1);
  }

  private static byte first(ImageSet set, int index) {
    return set.image(index).get(ValueLayout.JAVA_BYTE, 0);
  }
}
