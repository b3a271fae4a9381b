package dev.kantor.io;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the header of a safetensors file says.
 *
 * @param places by the array's name, in the header's order
 * @param metadata as it is there, checksums included; empty if there is none
 */
record SafeTensorsHeader(Map<String, Place> places, Map<String, String> metadata) {
  /** The key under which the metadata stands among the arrays. */
  static final String METADATA = "__metadata__";

  /**
   * An array's place.
   *
   * @param begin the first byte after the header that belongs to it
   * @param end the first that no longer does
   */
  record Place(ElementType type, long[] shape, long begin, long end) {
    MemorySegment of(MemorySegment data) {
      return data.asSlice(begin, end - begin);
    }
  }

  /**
   * Reads the JSON strictly: no duplicate, unknown or missing field passes.
   *
   * @param file for the message
   * @throws FormatException if it is anything else than the format asks for
   */
  static SafeTensorsHeader parse(Path file, String text) throws FormatException {
    return new Parser(file, text).parse();
  }

  private static final class Parser {
    private final Path file;
    private final JsonReader json;

    Parser(Path file, String text) {
      this.file = file;
      json = new JsonReader(new StringReader(text));
      json.setStrictness(Strictness.STRICT);
    }

    SafeTensorsHeader parse() throws FormatException {
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
      return new SafeTensorsHeader(places, metadata == null ? Map.of() : metadata);
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
