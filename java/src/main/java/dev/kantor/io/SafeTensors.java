package dev.kantor.io;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
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
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Named arrays in one file: the safetensors format. Eight bytes with the length of the header, a
 * JSON header that gives each array's type, shape and place, then the arrays without gaps. Files
 * written here start every array at a multiple of its element size, and carry the SHA-256 of
 * everything after the header under the key {@value #CHECKSUM} of their metadata.
 *
 * @param tensors by name; of an opened file, slices of the mapped file, which must not shrink while
 *     they are in use
 * @param metadata free text by key, the checksum left out
 */
public record SafeTensors(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The metadata key that holds the checksum. */
  public static final String CHECKSUM = "sha256";

  private static final String METADATA = "__metadata__";
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
    if (metadata.containsKey(CHECKSUM)) {
      throw new IllegalArgumentException(
          "the metadata key " + CHECKSUM + " is computed, not given");
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
    Header header =
        new HeaderParser(file, text(file, bytes.asSlice(LENGTH_BYTES, headerBytes))).parse();
    checkPlaces(file, header.places, data.byteSize());
    Map<String, String> metadata = new TreeMap<>(header.metadata);
    String expected = metadata.remove(CHECKSUM);
    if (check == Check.CONTENT) {
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
    Map<String, Entry> tensors = new LinkedHashMap<>();
    header.places.forEach(
        (name, p) ->
            tensors.put(name, new Entry(p.type, p.shape, data.asSlice(p.begin, p.end - p.begin))));
    return new SafeTensors(tensors, metadata);
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

  /** The arrays must cover the data section exactly: no gap, no overlap, nothing left over. */
  private static void checkPlaces(Path file, Map<String, Place> places, long dataBytes)
      throws FormatException {
    List<Map.Entry<String, Place>> ordered = new ArrayList<>(places.entrySet());
    ordered.sort(
        Comparator.comparingLong((Map.Entry<String, Place> e) -> e.getValue().begin)
            .thenComparingLong(e -> e.getValue().end));
    long offset = 0;
    for (Map.Entry<String, Place> e : ordered) {
      Place place = e.getValue();
      if (place.begin != offset) {
        throw new FormatException(
            file,
            "tensor " + e.getKey() + " starts at byte " + place.begin + "; expected " + offset);
      }
      if (place.end > dataBytes) {
        throw new FormatException(
            file,
            "tensor "
                + e.getKey()
                + " ends at byte "
                + place.end
                + ", but there are only "
                + dataBytes
                + ": the file is truncated");
      }
      offset = place.end;
    }
    if (offset != dataBytes) {
      throw new FormatException(
          file, "holds " + dataBytes + " bytes of data, but its tensors take " + offset);
    }
  }

  private record Place(ElementType type, long[] shape, long begin, long end) {}

  private record Header(Map<String, Place> places, Map<String, String> metadata) {}

  /** Reads the header strictly: no duplicate, unknown or missing field passes. */
  private static final class HeaderParser {
    private final Path file;
    private final JsonReader json;

    HeaderParser(Path file, String text) {
      this.file = file;
      json = new JsonReader(new StringReader(text));
      json.setStrictness(Strictness.STRICT);
    }

    Header parse() throws FormatException {
      Map<String, Place> places = new LinkedHashMap<>();
      Map<String, String> metadata = null;
      try {
        json.beginObject();
        while (json.hasNext()) {
          String name = json.nextName();
          if (name.equals(METADATA)) {
            if (metadata != null) {
              throw new FormatException(file, METADATA + " appears twice");
            }
            metadata = metadata();
          } else if (places.put(name, place(name)) != null) {
            throw new FormatException(file, "tensor " + name + " appears twice");
          }
        }
        json.endObject();
        if (json.peek() != JsonToken.END_DOCUMENT) {
          throw new FormatException(file, "has text after its header");
        }
      } catch (FormatException e) {
        throw e;
      } catch (IOException | IllegalStateException e) {
        // The reader reports bad JSON with the former and an unexpected kind of value with the
        // latter.
        throw new FormatException(
            file, "its header is not what the format asks for: " + firstLine(e), e);
      }
      return new Header(places, metadata == null ? Map.of() : metadata);
    }

    private Map<String, String> metadata() throws IOException {
      Map<String, String> metadata = new TreeMap<>();
      json.beginObject();
      while (json.hasNext()) {
        String key = json.nextName();
        if (json.peek() != JsonToken.STRING) {
          throw new FormatException(
              file, "metadata " + key + " is " + json.peek() + "; expected a string");
        }
        if (metadata.put(key, json.nextString()) != null) {
          throw new FormatException(file, "metadata " + key + " appears twice");
        }
      }
      json.endObject();
      return metadata;
    }

    private Place place(String name) throws IOException {
      ElementType type = null;
      long[] shape = null;
      long[] offsets = null;
      json.beginObject();
      while (json.hasNext()) {
        String field = json.nextName();
        boolean repeated =
            switch (field) {
              case "dtype" -> type != null;
              case "shape" -> shape != null;
              case "data_offsets" -> offsets != null;
              default ->
                  throw new FormatException(
                      file, "tensor " + name + " has an unknown field " + field);
            };
        if (repeated) {
          throw new FormatException(file, "tensor " + name + " has " + field + " twice");
        }
        switch (field) {
          case "dtype" -> type = type(name);
          case "shape" -> shape = numbers(name, field);
          default -> offsets = numbers(name, field);
        }
      }
      json.endObject();
      if (type == null || shape == null || offsets == null || offsets.length != 2) {
        throw new FormatException(
            file, "tensor " + name + " needs dtype, shape and two data_offsets");
      }
      long size;
      try {
        size = type.bytes(shape);
      } catch (ArithmeticException e) {
        throw new FormatException(
            file, "tensor " + name + " has an impossible shape " + Arrays.toString(shape), e);
      }
      if (offsets[1] < offsets[0] || offsets[1] - offsets[0] != size) {
        throw new FormatException(
            file,
            "tensor "
                + name
                + " lies at "
                + Arrays.toString(offsets)
                + ", but "
                + type
                + " "
                + Arrays.toString(shape)
                + " takes "
                + size
                + " bytes");
      }
      return new Place(type, shape, offsets[0], offsets[1]);
    }

    private ElementType type(String name) throws IOException {
      String text = json.nextString();
      for (ElementType type : ElementType.values()) {
        if (type.name().equals(text)) {
          return type;
        }
      }
      throw new FormatException(
          file,
          "tensor "
              + name
              + " has the type "
              + text
              + "; supported are "
              + Arrays.toString(ElementType.values()));
    }

    private long[] numbers(String name, String field) throws IOException {
      List<Long> values = new ArrayList<>();
      json.beginArray();
      while (json.hasNext()) {
        String text =
            json.peek() == JsonToken.NUMBER ? json.nextString() : String.valueOf(json.peek());
        if (!text.matches("[0-9]{1,18}")) {
          throw new FormatException(
              file,
              "tensor " + name + " has " + text + " in its " + field + "; expected a whole number");
        }
        values.add(Long.valueOf(text));
      }
      json.endArray();
      return values.stream().mapToLong(Long::longValue).toArray();
    }

    private static String firstLine(Exception e) {
      return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
  }
}
