package dev.kantor.bench.libtorch;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A safetensors file: eight bytes of header length (little-endian), a JSON header, the tensors'
 * bytes. Types F32, F64, I32, I64 and U8.
 *
 * @param tensors the tensors by name, contiguous, in the order of the file
 * @param metadata the header's {@code __metadata__}
 */
record TensorFile(Map<String, Tensor> tensors, Map<String, String> metadata) {

  private static final int LENGTH_BYTES = 8;
  private static final int MAX_HEADER_BYTES = 100_000_000; // the format's own limit
  private static final Map<String, ScalarType> TYPES =
      Map.of(
          "F32", ScalarType.Float,
          "F64", ScalarType.Double,
          "I32", ScalarType.Int,
          "I64", ScalarType.Long,
          "U8", ScalarType.Byte);

  /**
   * The tensor of that name.
   *
   * @throws IllegalArgumentException if the file has none
   */
  Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "no tensor named " + name + "; the file has " + tensors.keySet());
    }
    return tensor;
  }

  /**
   * Reads a file; the tensors are copies that the caller's pointer scope owns.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException if it is not a safetensors file of those types
   */
  static TensorFile read(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path)) {
      ByteBuffer bytes =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
              .order(ByteOrder.LITTLE_ENDIAN);
      long headerBytes = bytes.capacity() < LENGTH_BYTES ? -1 : bytes.getLong(0);
      if (headerBytes < 2
          || headerBytes > MAX_HEADER_BYTES
          || headerBytes > bytes.capacity() - LENGTH_BYTES) {
        throw new IllegalArgumentException(path + " is not a safetensors file");
      }
      byte[] text = new byte[(int) headerBytes];
      bytes.get(LENGTH_BYTES, text);
      ByteBuffer data =
          bytes.slice(LENGTH_BYTES + text.length, bytes.capacity() - LENGTH_BYTES - text.length);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      for (var entry :
          JsonParser.parseString(new String(text, UTF_8)).getAsJsonObject().entrySet()) {
        JsonObject value = entry.getValue().getAsJsonObject();
        if (entry.getKey().equals("__metadata__")) {
          value
              .entrySet()
              .forEach(pair -> metadata.put(pair.getKey(), pair.getValue().getAsString()));
        } else {
          tensors.put(entry.getKey(), tensor(path + ": " + entry.getKey(), value, data));
        }
      }
      return new TensorFile(tensors, metadata);
    }
  }

  /**
   * Writes the tensors in the map's order.
   *
   * @throws IOException if the file cannot be written
   */
  void write(Path path) throws IOException {
    JsonObject header = new JsonObject();
    if (!metadata.isEmpty()) {
      JsonObject entries = new JsonObject();
      metadata.forEach(entries::addProperty);
      header.add("__metadata__", entries);
    }
    Map<String, Tensor> contiguous = new LinkedHashMap<>();
    long offset = 0;
    for (var entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue().contiguous();
      if (tensor
          ._is_zerotensor()) { // a derivative that is known to vanish has a shape but no memory
        tensor = torch.zeros(tensor.shape(), new TensorOptions(tensor.scalar_type()));
      }
      contiguous.put(entry.getKey(), tensor);
      long end = offset + tensor.nbytes();
      JsonObject value = new JsonObject();
      value.addProperty("dtype", typeName(entry.getKey(), tensor.scalar_type()));
      value.add("shape", array(tensor.shape()));
      value.add("data_offsets", array(offset, end));
      header.add(entry.getKey(), value);
      offset = end;
    }
    String json = header.toString();
    int length = json.getBytes(UTF_8).length;
    byte[] text = (json + " ".repeat(-length & (LENGTH_BYTES - 1))).getBytes(UTF_8);
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      writeAll(
          channel,
          ByteBuffer.allocate(LENGTH_BYTES + text.length)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(text.length)
              .put(text)
              .flip());
      for (Tensor tensor : contiguous.values()) {
        if (tensor.nbytes() > 0) {
          writeAll(
              channel, new BytePointer(tensor.data_ptr()).capacity(tensor.nbytes()).asByteBuffer());
        }
      }
    }
  }

  private static Tensor tensor(String what, JsonObject entry, ByteBuffer data) {
    ScalarType type = TYPES.get(entry.get("dtype").getAsString());
    if (type == null) {
      throw new IllegalArgumentException(
          what + " has dtype " + entry.get("dtype") + "; known: " + TYPES.keySet());
    }
    JsonArray dimensions = entry.getAsJsonArray("shape");
    long[] shape = dimensions.asList().stream().mapToLong(JsonElement::getAsLong).toArray();
    JsonArray offsets = entry.getAsJsonArray("data_offsets");
    long begin = offsets.get(0).getAsLong();
    long end = offsets.get(1).getAsLong();
    Tensor tensor = torch.empty(shape, new TensorOptions(type), null);
    if (begin < 0 || end > data.capacity() || end - begin != tensor.nbytes()) {
      throw new IllegalArgumentException(
          what + " has data_offsets " + offsets + " but needs " + tensor.nbytes() + " bytes");
    }
    if (end > begin) {
      new BytePointer(tensor.data_ptr())
          .capacity(end - begin)
          .asByteBuffer()
          .put(data.slice((int) begin, (int) (end - begin)));
    }
    return tensor;
  }

  private static String typeName(String what, ScalarType type) {
    return TYPES.entrySet().stream()
        .filter(entry -> entry.getValue() == type.intern())
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException(what + " has a type that is not written: " + type));
  }

  private static JsonArray array(long... values) {
    JsonArray array = new JsonArray();
    for (long value : values) {
      array.add(value);
    }
    return array;
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
