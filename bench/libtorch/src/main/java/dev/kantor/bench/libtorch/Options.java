package dev.kantor.bench.libtorch;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The options of a command line, {@code --name value} each.
 *
 * @param values the values by name, without the dashes
 */
record Options(Map<String, String> values) {

  /** Wrong usage of the command line. */
  static final class UsageException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  /**
   * Parses {@code arguments[first..]}.
   *
   * @throws UsageException if a name is not among those known, or has no value
   */
  static Options parse(String[] arguments, int first, Set<String> known) {
    Map<String, String> values = new LinkedHashMap<>();
    for (int i = first; i < arguments.length; i += 2) {
      String name = arguments[i].startsWith("--") ? arguments[i].substring(2) : "";
      if (!known.contains(name)) {
        throw new UsageException(
            "unknown option " + arguments[i] + "; known: --" + String.join(", --", known));
      }
      if (i + 1 == arguments.length) {
        throw new UsageException("--" + name + " needs a value");
      }
      values.put(name, arguments[i + 1]);
    }
    return new Options(values);
  }

  String text(String name) {
    String value = values.get(name);
    if (value == null) {
      throw new UsageException("--" + name + " is missing");
    }
    return value;
  }

  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  Path path(String name) {
    return Path.of(text(name));
  }

  double number(String name, double otherwise) {
    String value = values.get(name);
    try {
      return value == null ? otherwise : Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new UsageException("--" + name + " must be a number: " + value);
    }
  }

  /** A whole number of at least one. */
  int count(String name, int otherwise) {
    double value = number(name, otherwise);
    if (value < 1 || value > Integer.MAX_VALUE || value != Math.rint(value)) {
      throw new UsageException(
          "--" + name + " must be a whole number of at least 1: " + values.get(name));
    }
    return (int) value;
  }
}
