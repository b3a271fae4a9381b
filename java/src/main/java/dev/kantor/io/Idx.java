package dev.kantor.io;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * An array of unsigned bytes from an IDX file, the format of MNIST: two zero bytes, the element
 * type (8: unsigned byte), the rank, the dimensions as big-endian 32-bit numbers, then the elements
 * in row-major order.
 *
 * @param file where it came from
 * @param dims the dimensions, outermost first, each at least 1
 * @param data the elements, one byte each
 */
public record Idx(Path file, long[] dims, MemorySegment data) {
  private static final int UNSIGNED_BYTE = 8;
  private static final int MAX_RANK = 8;

  /**
   * Deflate packs at most 1032 bytes into one, so a header that claims more than this from a file
   * is lying.
   */
  private static final long MAX_EXPANSION = 1032;

  private static final ValueLayout.OfInt BIG_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  public Idx {
    dims = dims.clone();
    Objects.requireNonNull(file);
    if (data.byteSize() != ElementType.U8.bytes(dims)) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes cannot have the shape " + Arrays.toString(dims));
    }
  }

  /**
   * Reads an IDX file of unsigned bytes, plain (mapped) or gzip-packed (unpacked into native
   * memory); its first bytes tell which.
   *
   * @param rank the expected number of dimensions: 3 for images, 1 for labels
   * @param arena keeps the data
   * @throws FormatException if the content is damaged or is something else
   * @throws IOException if the file cannot be read
   */
  public static Idx read(Path file, int rank, Arena arena) throws IOException {
    MemorySegment bytes = MappedFile.open(file, arena);
    if (isGzip(bytes)) {
      return unpack(file, rank, bytes.byteSize(), arena);
    }
    int headerBytes = headerBytes(rank);
    if (bytes.byteSize() < headerBytes) {
      throw tooShort(file, bytes.byteSize(), headerBytes);
    }
    byte[] header = bytes.asSlice(0, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    long[] dims = parseHeader(file, header, rank, bytes.byteSize() - headerBytes);
    long expected = ElementType.U8.bytes(dims);
    long found = bytes.byteSize() - headerBytes;
    if (found != expected) {
      throw new FormatException(
          file,
          "holds "
              + found
              + " bytes of data, but its header says "
              + shape(dims)
              + " = "
              + expected
              + " bytes");
    }
    return new Idx(file, dims, bytes.asSlice(headerBytes));
  }

  /**
   * Writes unsigned bytes as an IDX file, atomically.
   *
   * @param dims the dimensions, outermost first: N, H, W for images
   * @throws IllegalArgumentException if the data does not have this shape or a dimension is not in
   *     [1, 2^32)
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, MemorySegment data, long... dims) throws IOException {
    byte[] header = header(dims);
    if (data.byteSize() != ElementType.U8.bytes(dims)) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes cannot have the shape " + Arrays.toString(dims));
    }
    AtomicFile.write(
        file,
        (OutputStream out) -> {
          out.write(header);
          AtomicFile.copy(data, out);
        });
  }

  /**
   * The header of an unsigned-byte file of this shape.
   *
   * @throws IllegalArgumentException if there are no dimensions, too many, or one is not in [1,
   *     2^32)
   */
  public static byte[] header(long... dims) {
    if (dims.length == 0 || dims.length > MAX_RANK) {
      throw new IllegalArgumentException(
          "an IDX file has 1 to " + MAX_RANK + " dimensions, not " + dims.length);
    }
    byte[] header = new byte[headerBytes(dims.length)];
    header[2] = UNSIGNED_BYTE;
    header[3] = (byte) dims.length;
    MemorySegment view = MemorySegment.ofArray(header);
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] < 1 || dims[i] > 0xFFFFFFFFL) {
        throw new IllegalArgumentException(
            "a dimension of an IDX file lies in [1, 2^32), not " + dims[i]);
      }
      view.set(BIG_ENDIAN_INT, 4 + 4L * i, (int) dims[i]);
    }
    return header;
  }

  private static Idx unpack(Path file, int rank, long packedBytes, Arena arena) throws IOException {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file), 1 << 16)) {
      byte[] header = in.readNBytes(headerBytes(rank));
      if (header.length < headerBytes(rank)) {
        throw tooShort(file, header.length, headerBytes(rank));
      }
      long[] dims = parseHeader(file, header, rank, Math.multiplyExact(packedBytes, MAX_EXPANSION));
      long expected = ElementType.U8.bytes(dims);
      MemorySegment data = arena.allocate(expected);
      byte[] chunk = new byte[1 << 16];
      long found = 0;
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        if (n > expected - found) {
          throw new FormatException(
              file,
              "holds more data than its header says, which is "
                  + shape(dims)
                  + " = "
                  + expected
                  + " bytes");
        }
        MemorySegment.copy(chunk, 0, data, ValueLayout.JAVA_BYTE, found, n);
        found += n;
      }
      if (found != expected) {
        throw new FormatException(
            file,
            "holds "
                + found
                + " bytes of data, but its header says "
                + shape(dims)
                + " = "
                + expected
                + " bytes");
      }
      return new Idx(file, dims, data.asReadOnly());
    } catch (EOFException e) {
      throw new FormatException(
          file, "the gzip stream ends early; the file is truncated: fetch it again", e);
    } catch (ZipException e) {
      throw new FormatException(
          file, "the gzip stream is damaged (" + e.getMessage() + "): fetch it again", e);
    }
  }

  /** Checks the header against at most {@code available} bytes of data; returns the dimensions. */
  private static long[] parseHeader(Path file, byte[] header, int rank, long available)
      throws FormatException {
    if (header[0] != 0 || header[1] != 0) {
      throw new FormatException(
          file,
          String.format(
              "starts with %02x %02x; an IDX file starts with 00 00",
              header[0] & 0xFF, header[1] & 0xFF));
    }
    int type = header[2] & 0xFF;
    if (type != UNSIGNED_BYTE) {
      throw new FormatException(
          file, "holds " + typeName(type) + "; expected unsigned bytes (IDX type 8)");
    }
    int found = header[3] & 0xFF;
    if (found != rank) {
      throw new FormatException(
          file, "has " + found + " dimensions; expected " + rank + " (3 for images, 1 for labels)");
    }
    MemorySegment view = MemorySegment.ofArray(header);
    long[] dims = new long[rank];
    long total = 1;
    for (int i = 0; i < rank; i++) {
      dims[i] = Integer.toUnsignedLong(view.get(BIG_ENDIAN_INT, 4 + 4L * i));
      if (dims[i] == 0) {
        throw new FormatException(file, "dimension " + i + " is 0; expected at least 1");
      }
      // available < 2^53 and dims < 2^32, so a total that is still below available cannot overflow
      // unnoticed.
      if (total > available / dims[i]) {
        throw new FormatException(
            file,
            "its header claims at least "
                + shape(Arrays.copyOf(dims, i + 1))
                + " bytes, more than the file can hold ("
                + available
                + ")");
      }
      total *= dims[i];
    }
    return dims;
  }

  private static boolean isGzip(MemorySegment bytes) {
    return bytes.byteSize() >= 2
        && bytes.get(ValueLayout.JAVA_BYTE, 0) == (byte) 0x1F
        && bytes.get(ValueLayout.JAVA_BYTE, 1) == (byte) 0x8B;
  }

  private static int headerBytes(int rank) {
    return 4 + 4 * rank;
  }

  private static FormatException tooShort(Path file, long found, int expected) {
    return new FormatException(file, "has " + found + " bytes; the header alone takes " + expected);
  }

  private static String shape(long[] dims) {
    return LongStream.of(dims).mapToObj(Long::toString).collect(Collectors.joining(" x "));
  }

  private static String typeName(int type) {
    return switch (type) {
      case 0x09 -> "signed bytes";
      case 0x0B -> "16-bit integers";
      case 0x0C -> "32-bit integers";
      case 0x0D -> "32-bit floats";
      case 0x0E -> "64-bit floats";
      default -> "elements of the unknown type " + type;
    };
  }
}
