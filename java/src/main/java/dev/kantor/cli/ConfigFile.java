package dev.kantor.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A configuration file: lines {@code key = value}; empty lines and those that start with # count
 * for nothing.
 */
final class ConfigFile {
  private ConfigFile() {}

  /**
   * Keys and values in their order.
   *
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException naming the file and line that is not {@code key = value} or
   *     names a key again
   */
  static Map<String, String> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException("there is no file " + file + " (--config)");
    }
    Map<String, String> values = new LinkedHashMap<>();
    List<String> lines = Files.readAllLines(file);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int equals = line.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException(
            file + ":" + (i + 1) + ": '" + line + "' is not key = value");
      }
      String key = line.substring(0, equals).strip();
      if (values.put(key, line.substring(equals + 1).strip()) != null) {
        throw new IllegalArgumentException(file + ":" + (i + 1) + ": " + key + " is there twice");
      }
    }
    return values;
  }
}
