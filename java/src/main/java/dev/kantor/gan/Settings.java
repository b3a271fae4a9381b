package dev.kantor.gan;

import dev.kantor.graph.Trace;
import dev.kantor.optim.Optimizer;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The settings of a variant with their values, in a fixed order. Values are kept as text and
 * checked when they are read.
 */
public final class Settings {
  private final String variant;
  private final Map<String, Setting> byName;

  private Settings(String variant, Map<String, Setting> byName) {
    this.variant = variant;
    this.byName = byName;
  }

  static Settings of(String variant, List<Setting> settings) {
    Map<String, Setting> m = new LinkedHashMap<>();
    settings.forEach(s -> m.put(s.name(), s));
    return new Settings(variant, m);
  }

  /** The variant these belong to. */
  public String variant() {
    return variant;
  }

  public Collection<Setting> all() {
    return byName.values();
  }

  public boolean has(String name) {
    return byName.containsKey(name);
  }

  /** Names and values. */
  public Map<String, String> values() {
    Map<String, String> m = new LinkedHashMap<>();
    byName.values().forEach(s -> m.put(s.name(), s.value()));
    return m;
  }

  /**
   * These settings with one changed.
   *
   * @throws IllegalArgumentException if there is no such setting; the message names the nearest
   */
  public Settings with(String name, String value) {
    Setting s = require(name);
    Map<String, Setting> m = new LinkedHashMap<>(byName);
    m.put(name, new Setting(name, value.strip(), s.meaning(), s.source()));
    return new Settings(variant, m);
  }

  /** These settings with several changed. */
  public Settings with(Map<String, String> changes) {
    Settings s = this;
    for (Map.Entry<String, String> e : changes.entrySet()) {
      s = s.with(e.getKey(), e.getValue());
    }
    return s;
  }

  public String text(String name) {
    return require(name).value();
  }

  /** A number of at least {@code least}. */
  public long integer(String name, long least) {
    String v = text(name);
    try {
      long n = Long.parseLong(v);
      if (n >= least) {
        return n;
      }
    } catch (NumberFormatException e) {
      throw bad(name, "a whole number", e);
    }
    throw bad(name, "at least " + least, null);
  }

  /** A finite number. */
  public double number(String name) {
    String v = text(name);
    try {
      double d = Double.parseDouble(v);
      if (Double.isFinite(d)) {
        return d;
      }
    } catch (NumberFormatException e) {
      throw bad(name, "a number", e);
    }
    throw bad(name, "a finite number", null);
  }

  /** One of some words. */
  public String choice(String name, String... choices) {
    String v = text(name);
    if (!List.of(choices).contains(v)) {
      throw bad(name, "one of " + String.join(", ", choices), null);
    }
    return v;
  }

  /** Positive whole numbers with commas between; none if empty. */
  public List<Long> integers(String name) {
    String v = text(name);
    if (v.isEmpty()) {
      return List.of();
    }
    try {
      List<Long> numbers =
          List.of(v.split(",")).stream().map(s -> Long.parseLong(s.strip())).toList();
      if (numbers.stream().allMatch(n -> n > 0)) {
        return numbers;
      }
    } catch (NumberFormatException e) {
      throw bad(name, "positive whole numbers with commas between", e);
    }
    throw bad(name, "positive whole numbers with commas between", null);
  }

  /** The optimiser that the settings name, with a learning rate at the beginning. */
  Optimizer optimizer(double rate) {
    Optimizer.Rule rule = rule(rate);
    return switch (choice("learning-rate-schedule", "constant", "linear", "cosine")) {
      case "linear" -> scheduled(rule, Trace.Fall.LINEAR);
      case "cosine" -> scheduled(rule, Trace.Fall.COSINE);
      default -> rule;
    };
  }

  private Optimizer scheduled(Optimizer.Rule rule, Trace.Fall fall) {
    return new Optimizer.Scheduled(
        rule, fall, number("learning-rate-epochs"), number("learning-rate-end"));
  }

  private Optimizer.Rule rule(double rate) {
    return switch (choice("optimizer", "adam", "rmsprop", "sgd")) {
      case "rmsprop" -> new Optimizer.RmsProp(rate, number("alpha"), number("epsilon"));
      case "sgd" -> new Optimizer.Sgd(rate, number("beta1"));
      default ->
          new Optimizer.Adam(
              rate, number("beta1"), number("beta2"), number("epsilon"), number("weight-decay"));
    };
  }

  /** A learning rate that is that of all if it is empty. */
  double rate(String name) {
    return number(text(name).isEmpty() ? "learning-rate" : name);
  }

  private IllegalArgumentException bad(String name, String expected, Exception cause) {
    return new IllegalArgumentException(
        "setting " + name + " is '" + text(name) + "'; expected " + expected, cause);
  }

  private Setting require(String name) {
    Setting s = byName.get(name);
    if (s == null) {
      String nearest =
          byName.keySet().stream()
              .min((a, b) -> Integer.compare(distance(name, a), distance(name, b)))
              .orElse("");
      throw new IllegalArgumentException(
          "there is no setting '"
              + name
              + "' for "
              + variant
              + "; did you mean '"
              + nearest
              + "'? `kantor info --settings "
              + variant
              + "` lists all");
    }
    return s;
  }

  /** Edits between two words (Levenshtein). */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int cost =
            Math.min(
                Math.min(row[j] + 1, row[j - 1] + 1),
                diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1));
        diagonal = row[j];
        row[j] = cost;
      }
    }
    return row[b.length()];
  }
}
