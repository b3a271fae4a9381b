package dev.kantor.io;

import com.google.gson.stream.JsonWriter;
import dev.kantor.io.SafeTensorsHeader.Place;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Named arrays in one file: the safetensors format. Eight bytes with the length of the header, a
 * JSON header that gives each array's type, shape and place, then the arrays without gaps. Files
 * written here start every array at a multiple of its element size. Their metadata holds the
 * SHA-256 of everything after the header under the key {@value #CHECKSUM}, and under {@value #SUMS}
 * the CRC-32C of each array, so that a reader of a few need not read the rest.
 *
 * @param tensors by name; of an opened file, slices of the mapped file, which must not shrink while
 *     they are in use
 * @param metadata free text by key, the checksums left out
 */
public record SafeTensors(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The metadata key that holds the checksum. */
  public static final String CHECKSUM = "sha256";

  /**
   * The metadata key that holds each array's CRC-32C: 8 hexadecimal digits for each, in the order
   * in which they lie in the file, a space between.
   */
  public static final String SUMS = "crc32c";

  private static final String METADATA = SafeTensorsHeader.METADATA;
  private static final int LENGTH_BYTES = 8;
  private static final int ALIGNMENT = 8;

  /** The reference implementation of the format refuses longer headers. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ValueLayout.OfLong LITTLE_ENDIAN_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * One array.
   *
   * @param shape the dimensions, outermost first; empty for a scalar
   * @param data the elements in row-major order; in files of other programs they may lie unaligned
   */
  public record Entry(ElementType type, long[] shape, MemorySegment data) {
    public Entry {
      shape = shape.clone();
      if (data.byteSize() != type.bytes(shape)) {
        throw new IllegalArgumentException(
            data.byteSize()
                + " bytes cannot be "
                + type
                + " of the shape "
                + Arrays.toString(shape));
      }
    }
  }

  /** Whether {@link #open} compares the content with its checksum. */
  public enum Check {
    /**
     * Only the structure is validated. For files of other programs, or where the content was
     * checked before.
     */
    STRUCTURE,
    /** The checksum must be there and right. */
    CONTENT
  }

  public SafeTensors {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /**
   * The array of this name.
   *
   * @throws IllegalArgumentException if there is none; lists those that there are
   */
  public Entry tensor(String name) {
    Entry entry = tensors.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "there is no tensor " + name + "; there are " + tensors.keySet());
    }
    return entry;
  }

  /**
   * Writes the arrays and the metadata, atomically. The same content gives the same bytes, in
   * whatever order it comes.
   *
   * @throws IllegalArgumentException if a name or key is one that the format keeps for itself
   * @throws IOException if the file cannot be written: names the path and a remedy; the old file is
   *     intact
   */
  public static void write(Path file, Map<String, Entry> tensors, Map<String, String> metadata)
      throws IOException {
    if (tensors.containsKey(METADATA)) {
      throw new IllegalArgumentException("a tensor cannot be called " + METADATA);
    }
    for (String computed : List.of(CHECKSUM, SUMS)) {
      if (metadata.containsKey(computed)) {
        throw new IllegalArgumentException(
            "the metadata key " + computed + " is computed, not given");
      }
    }
    // Wide elements first: each array then starts at a multiple of its element size with no gap,
    // which the format forbids.
    List<Map.Entry<String, Entry>> ordered = new ArrayList<>(tensors.entrySet());
    ordered.sort(
        Comparator.comparing((Map.Entry<String, Entry> e) -> -e.getValue().type().bytes())
            .thenComparing(Map.Entry::getKey));
    Sha256 sum = new Sha256();
    ordered.forEach(e -> sum.update(e.getValue().data()));
    Map<String, String> complete = new TreeMap<>(metadata);
    complete.put(CHECKSUM, sum.hex());
    complete.put(
        SUMS,
        ordered.stream()
            .map(e -> Crc32c.hex(e.getValue().data()))
            .collect(Collectors.joining(" ")));
    byte[] header = header(ordered, complete);
    AtomicFile.write(
        file,
        out -> {
          byte[] length = new byte[LENGTH_BYTES];
          MemorySegment.ofArray(length).set(LITTLE_ENDIAN_LONG, 0, header.length);
          out.write(length);
          out.write(header);
          for (Map.Entry<String, Entry> e : ordered) {
            AtomicFile.copy(e.getValue().data(), out);
          }
        });
  }

  /**
   * Maps a file and validates it; the arrays are read when they are touched.
   *
   * @param arena the mapping lives until it closes
   * @throws FormatException if the file is damaged, is something else, or holds a type that Kantor
   *     does not use
   * @throws IOException if the file cannot be read
   */
  public static SafeTensors open(Path file, Arena arena, Check check) throws IOException {
    Mapped mapped = map(file, arena);
    if (check == Check.CONTENT) {
      mapped.checkAll(file);
    }
    return mapped.tensors();
  }

  /**
   * Maps a file, validates its structure and compares the content of some arrays with their
   * checksums; of all, if the file has only one for the whole.
   *
   * @param used names of the arrays to check; those that the file lacks are ignored
   * @param arena the mapping lives until it closes
   * @throws FormatException if the structure or one of these arrays is damaged, there is no
   *     checksum, or it holds a type that Kantor does not use
   * @throws IOException if the file cannot be read
   */
  public static SafeTensors open(Path file, Arena arena, Collection<String> used)
      throws IOException {
    Mapped mapped = map(file, arena);
    if (mapped.metadata.containsKey(SUMS)) {
      mapped.checkEach(file, used);
    } else {
      mapped.checkAll(file);
    }
    return mapped.tensors();
  }

  private static Mapped map(Path file, Arena arena) throws IOException {
    MemorySegment bytes = MappedFile.open(file, arena);
    if (bytes.byteSize() < LENGTH_BYTES) {
      throw new FormatException(
          file,
          "has " + bytes.byteSize() + " bytes; a safetensors file has at least " + LENGTH_BYTES);
    }
    long headerBytes = bytes.get(LITTLE_ENDIAN_LONG, 0);
    if (headerBytes < 2
        || headerBytes > MAX_HEADER_BYTES
        || headerBytes > bytes.byteSize() - LENGTH_BYTES) {
      throw new FormatException(
          file,
          "claims a header of "
              + Long.toUnsignedString(headerBytes)
              + " bytes; expected 2 to "
              + Math.min(MAX_HEADER_BYTES, bytes.byteSize() - LENGTH_BYTES));
    }
    MemorySegment data = bytes.asSlice(LENGTH_BYTES + headerBytes);
    SafeTensorsHeader header =
        SafeTensorsHeader.parse(file, text(file, bytes.asSlice(LENGTH_BYTES, headerBytes)));
    return new Mapped(inOrder(file, header.places(), data.byteSize()), header.metadata(), data);
  }

  /**
   * A file whose structure is right.
   *
   * @param places in the order in which they lie in the file
   */
  private record Mapped(
      Map<String, Place> places, Map<String, String> metadata, MemorySegment data) {
    void checkAll(Path file) throws FormatException {
      String expected = metadata.get(CHECKSUM);
      if (expected == null) {
        throw new FormatException(
            file,
            "has no checksum (" + CHECKSUM + " in its metadata); it was not written by Kantor");
      }
      String found = new Sha256().update(data).hex();
      if (!found.equals(expected)) {
        throw new FormatException(
            file,
            "is damaged: the SHA-256 of its data is "
                + found
                + ", but it was written with "
                + expected);
      }
    }

    void checkEach(Path file, Collection<String> used) throws FormatException {
      String[] sums = metadata.get(SUMS).split(" ");
      if (!places.isEmpty() && sums.length != places.size()) {
        throw new FormatException(
            file,
            "is damaged: it has " + sums.length + " checksums for " + places.size() + " tensors");
      }
      int i = 0;
      for (Map.Entry<String, Place> e : places.entrySet()) {
        String expected = sums[i++];
        if (used.contains(e.getKey())) {
          String found = Crc32c.hex(e.getValue().of(data));
          if (!found.equals(expected)) {
            throw new FormatException(
                file,
                "is damaged: the CRC-32C of tensor "
                    + e.getKey()
                    + " is "
                    + found
                    + ", but it was written with "
                    + expected);
          }
        }
      }
    }

    SafeTensors tensors() {
      Map<String, Entry> tensors = new LinkedHashMap<>();
      places.forEach((name, p) -> tensors.put(name, new Entry(p.type(), p.shape(), p.of(data))));
      Map<String, String> free = new TreeMap<>(metadata);
      free.remove(CHECKSUM);
      free.remove(SUMS);
      return new SafeTensors(tensors, free);
    }
  }

  private static byte[] header(List<Map.Entry<String, Entry>> tensors, Map<String, String> metadata)
      throws IOException {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.beginObject().name(METADATA).beginObject();
      for (Map.Entry<String, String> e : metadata.entrySet()) {
        json.name(e.getKey()).value(e.getValue());
      }
      json.endObject();
      long offset = 0;
      for (Map.Entry<String, Entry> e : tensors) {
        Entry tensor = e.getValue();
        json.name(e.getKey())
            .beginObject()
            .name("dtype")
            .value(tensor.type().name())
            .name("shape")
            .beginArray();
        for (long dim : tensor.shape()) {
          json.value(dim);
        }
        long end = offset + tensor.data().byteSize();
        json.endArray()
            .name("data_offsets")
            .beginArray()
            .value(offset)
            .value(end)
            .endArray()
            .endObject();
        offset = end;
      }
      json.endObject();
    }
    byte[] unpadded = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] header =
        Arrays.copyOf(unpadded, (unpadded.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(header, unpadded.length, header.length, (byte) ' ');
    if (header.length > MAX_HEADER_BYTES) {
      throw new IllegalArgumentException(
          "a safetensors header has at most " + MAX_HEADER_BYTES + " bytes, not " + header.length);
    }
    return header;
  }

  private static String text(Path file, MemorySegment header) throws FormatException {
    if (header.get(ValueLayout.JAVA_BYTE, 0) != '{') {
      throw new FormatException(
          file, "is not a safetensors file: its header does not start with {");
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(header.toArray(ValueLayout.JAVA_BYTE)))
          .toString();
    } catch (CharacterCodingException e) {
      throw new FormatException(file, "its header is not UTF-8 text", e);
    }
  }

  /**
   * The arrays as they lie in the data section, which they must cover exactly: no gap, no overlap,
   * nothing left over.
   */
  private static Map<String, Place> inOrder(Path file, Map<String, Place> places, long dataBytes)
      throws FormatException {
    List<Map.Entry<String, Place>> ordered = new ArrayList<>(places.entrySet());
    ordered.sort(
        Comparator.comparingLong((Map.Entry<String, Place> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    Map<String, Place> sorted = new LinkedHashMap<>();
    long offset = 0;
    for (Map.Entry<String, Place> e : ordered) {
      Place place = e.getValue();
      sorted.put(e.getKey(), place);
      if (place.begin() != offset) {
        throw new FormatException(
            file,
            "tensor " + e.getKey() + " starts at byte " + place.begin() + "; expected " + offset);
      }
      if (place.end() > dataBytes) {
        throw new FormatException(
            file,
            "tensor "
                + e.getKey()
                + " ends at byte "
                + place.end()
                + ", but there are only "
                + dataBytes
                + ": the file is truncated");
      }
      offset = place.end();
    }
    if (offset != dataBytes) {
      throw new FormatException(
          file, "holds " + dataBytes + " bytes of data, but its tensors take " + offset);
    }
    return sorted;
  }
}
