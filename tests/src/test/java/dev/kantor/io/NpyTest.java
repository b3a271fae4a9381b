package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NpyTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"2,3,1|(2, 3, 1)", "6|(6,)"})
  void theHeaderIsWhatNumpyWrites(String dims, String tuple) throws IOException {
    long[] shape = Stream.of(dims.split(",")).mapToLong(Long::parseLong).toArray();
    Path file = folder.resolve("a.npy");
    Npy.write(file, ElementType.F32, MemorySegment.ofArray(new float[] {1, 2, 3, 4, 5, 6}), shape);
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(0x5950_4D55_4E93L | 1L << 48, bytes.getLong());
    byte[] header = new byte[bytes.getShort()];
    bytes.get(header);
    assertEquals(0, bytes.position() % 64);
    String text = new String(header, StandardCharsets.US_ASCII);
    assertEquals(
        "{'descr': '<f4', 'fortran_order': False, 'shape': " + tuple + ", }", text.strip());
    assertEquals('\n', text.charAt(text.length() - 1));
    for (float expected = 1; expected <= 6; expected++) {
      assertEquals(expected, bytes.getFloat());
    }
    assertEquals(0, bytes.remaining());
  }

  @Test
  void bytesAndScalarsAreWritten() throws IOException {
    Path file = folder.resolve("b.npy");
    Npy.write(file, ElementType.U8, MemorySegment.ofArray(new byte[] {9}));
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertEquals(
        "'|u1', 'fortran_order': False, 'shape': ()",
        text.substring(text.indexOf("'|u1'"), text.indexOf("()") + 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> Npy.write(file, ElementType.F32, MemorySegment.ofArray(new byte[5]), 1));
  }
}
