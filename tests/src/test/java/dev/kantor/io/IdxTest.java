package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdxTest {
  private static final int FUZZ_CASES = 8_000;

  @TempDir private Path folder;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path file = folder.resolve("images.idx");
    byte[] data = data(2 * 3 * 5);
    Idx.write(file, MemorySegment.ofArray(data), 2, 3, 5);
    byte[] bytes = Files.readAllBytes(file);
    assertArrayEquals(
        new byte[] {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5}, Arrays.copyOf(bytes, 16));
    try (Arena arena = Arena.ofConfined()) {
      Idx idx = Idx.read(file, 3, arena);
      assertArrayEquals(new long[] {2, 3, 5}, idx.dims());
      assertArrayEquals(data, idx.data().toArray(ValueLayout.JAVA_BYTE));
      assertTrue(idx.data().isReadOnly());
    }
  }

  @Test
  void packedFilesAreKnownByTheirContentNotTheirName() throws IOException {
    byte[] data = data(7 * 4 * 4);
    Path file = Files.write(folder.resolve("images-idx3-ubyte"), gzip(idx(data, 7, 4, 4)));
    try (Arena arena = Arena.ofConfined()) {
      assertArrayEquals(data, Idx.read(file, 3, arena).data().toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                            | has 0 bytes; the header alone takes 16",
        "0000080300000001000000020000                  | has 14 bytes; the header alone takes 16",
        "0100080300000001000000020000000201020304      | starts with 01 00",
        "00000D0300000001000000020000000201020304      | holds 32-bit floats; expected unsigned"
            + " bytes",
        "0000FF0300000001000000020000000201020304      | holds elements of the unknown type 255",
        "0000080100000001000000020000000201020304      | has 1 dimensions; expected 3",
        "0000080300000001000000000000000201020304      | dimension 1 is 0",
        "00000803000000010000000200000002010203        | claims at least 1 x 2 x 2 bytes, more than"
            + " the file can hold (3)",
        "00000803000000010000000200000002010203040506  | holds 6 bytes of data, but its header says"
            + " 1 x 2 x 2 = 4",
        "00000803FFFFFFFFFFFFFFFFFFFFFFFF01020304      | claims at least 4294967295 bytes",
        "0000080300000001FFFFFFFFFFFFFFFF01020304      | claims at least 1 x 4294967295 bytes",
        "00000803800000008000000080000000              | claims at least 2147483648 bytes",
      })
  void hostileHeadersAreNamed(String hex, String expected) throws IOException {
    Path file = Files.write(folder.resolve("bad"), HexFormat.of().parseHex(hex));
    try (Arena arena = Arena.ofConfined()) {
      FormatException e = assertThrows(FormatException.class, () -> Idx.read(file, 3, arena));
      assertTrue(
          e.getMessage().startsWith(file.toString()) && e.getMessage().contains(expected),
          e.getMessage());
    }
  }

  @Test
  void aPackedHeaderCannotClaimMoreThanAnyPackedFileHolds() throws IOException {
    byte[] lie = {
      0, 0, 8, 3, 0x7F, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3
    };
    Path file = Files.write(folder.resolve("lie.gz"), gzip(lie));
    try (Arena arena = Arena.ofConfined()) {
      FormatException e = assertThrows(FormatException.class, () -> Idx.read(file, 3, arena));
      assertTrue(e.getMessage().contains("more than the file can hold"), e.getMessage());
    }
  }

  @Test
  void truncatedAndDamagedGzipIsNamed() throws IOException {
    byte[] packed = gzip(idx(data(1000), 10, 10, 10));
    Path cut = Files.write(folder.resolve("cut.gz"), Arrays.copyOf(packed, packed.length / 2));
    byte[] flipped = packed.clone();
    flipped[packed.length - 6] ^= 0x10;
    Path damaged = Files.write(folder.resolve("damaged.gz"), flipped);
    try (Arena arena = Arena.ofConfined()) {
      assertTrue(
          assertThrows(FormatException.class, () -> Idx.read(cut, 3, arena))
              .getMessage()
              .contains("truncated"));
      assertTrue(
          assertThrows(FormatException.class, () -> Idx.read(damaged, 3, arena))
              .getMessage()
              .contains("damaged"));
    }
  }

  @Test
  void aMissingFileIsAnIoExceptionThatNamesIt() {
    Path file = folder.resolve("nowhere");
    IOException e = assertThrows(IOException.class, () -> Idx.read(file, 3, Arena.global()));
    assertTrue(e.getMessage().contains("there is no file " + file), e.getMessage());
  }

  @Test
  void impossibleShapesAreNotWritten() {
    MemorySegment four = MemorySegment.ofArray(new byte[4]);
    Path file = folder.resolve("out");
    assertThrows(IllegalArgumentException.class, () -> Idx.write(file, four, 5));
    assertThrows(IllegalArgumentException.class, () -> Idx.write(file, four, 4, 0));
    assertThrows(IllegalArgumentException.class, () -> Idx.write(file, four));
    assertThrows(IllegalArgumentException.class, () -> Idx.write(file, four, 1L << 32));
    assertTrue(Files.notExists(file));
  }

  @Test
  void everyMutationIsReadOrRefused() throws IOException {
    Random random = new Random(1);
    byte[] plain = idx(data(6 * 5 * 4), 6, 5, 4);
    byte[] packed = gzip(plain);
    Path file = folder.resolve("fuzz");
    int refused = 0;
    for (int i = 0; i < FUZZ_CASES; i++) {
      Mutations.put(file, Mutations.mutate(i % 2 == 0 ? plain : packed, random));
      try (Arena arena = Arena.ofConfined()) {
        Idx idx = Idx.read(file, 3, arena);
        assertEquals(idx.dims()[0] * idx.dims()[1] * idx.dims()[2], idx.data().byteSize());
        idx.data().toArray(ValueLayout.JAVA_BYTE);
      } catch (FormatException e) {
        refused++;
      }
    }
    assertTrue(
        refused > FUZZ_CASES / 2 && refused < FUZZ_CASES,
        refused + " of " + FUZZ_CASES + " refused");
  }

  private static byte[] data(int count) {
    byte[] data = new byte[count];
    new Random(count).nextBytes(data);
    return data;
  }

  private static byte[] idx(byte[] data, long... dims) {
    byte[] header = Idx.header(dims);
    byte[] all = Arrays.copyOf(header, header.length + data.length);
    System.arraycopy(data, 0, all, header.length, data.length);
    return all;
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }
}
