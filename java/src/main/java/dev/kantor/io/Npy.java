package dev.kantor.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Writes arrays that {@code numpy.load} reads: the NPY format, version 1.0. */
public final class Npy {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  private static final int ALIGNMENT = 64;

  private Npy() {}

  /**
   * Writes an array in row-major order, atomically.
   *
   * @throws IllegalArgumentException if the data does not have this shape
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, ElementType type, MemorySegment data, long... shape)
      throws IOException {
    if (data.byteSize() != type.bytes(shape)) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes cannot be " + type + " of the shape " + Arrays.toString(shape));
    }
    String dims = LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
    String tuple = shape.length == 1 ? "(" + dims + ",)" : "(" + dims + ")";
    String dictionary =
        "{'descr': '" + type.npy() + "', 'fortran_order': False, 'shape': " + tuple + ", }";
    int prefix = MAGIC.length + 2;
    int unpadded = prefix + dictionary.length() + 1;
    int padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT;
    byte[] header = (dictionary + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII);
    if (header.length > 0xFFFF) {
      throw new IllegalArgumentException("too many dimensions for an NPY file: " + shape.length);
    }
    AtomicFile.write(
        file,
        out -> {
          out.write(MAGIC);
          out.write(header.length & 0xFF);
          out.write(header.length >> 8);
          out.write(header);
          AtomicFile.copy(data, out);
        });
  }
}
