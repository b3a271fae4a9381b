package dev.kantor.train;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.kantor.io.AtomicFile;
import dev.kantor.io.FormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a run is: enough to do it again.
 *
 * @param configuration everything that decides the numbers: variant, seed, data, settings. A
 *     resumed run must have the same
 * @param goal when it is done
 * @param schedule what is done besides
 * @param environment what does not decide them beyond rounding: versions, device, folders, time
 */
public record Manifest(
    Map<String, String> configuration,
    Goal goal,
    Schedule schedule,
    Map<String, String> environment) {
  private static final String EVALUATE_EVERY = "evaluate-every";

  public Manifest {
    configuration = new LinkedHashMap<>(configuration);
    environment = new LinkedHashMap<>(environment);
    Objects.requireNonNull(goal, "goal");
    Objects.requireNonNull(schedule, "schedule");
  }

  /** The same run with another goal. */
  public Manifest with(Goal other) {
    return new Manifest(configuration, other, schedule, environment);
  }

  /** The same run with another schedule, and more of an environment or a newer one. */
  public Manifest with(Schedule other, Map<String, String> more) {
    Map<String, String> all = new LinkedHashMap<>(environment);
    all.putAll(more);
    return new Manifest(configuration, goal, other, all);
  }

  /**
   * A value of the configuration.
   *
   * @throws IllegalArgumentException if there is none
   */
  public String value(String name) {
    String v = configuration.get(name);
    if (v == null) {
      throw new IllegalArgumentException("the manifest's configuration has no " + name);
    }
    return v;
  }

  /** Where two configurations differ, a line each; empty if nowhere. */
  public static List<String> differences(Map<String, String> before, Map<String, String> now) {
    List<String> lines = new ArrayList<>();
    before.forEach(
        (name, old) -> {
          String v = now.get(name);
          if (!old.equals(v)) {
            lines.add(name + " was '" + old + "', is " + (v == null ? "not there" : "'" + v + "'"));
          }
        });
    now.forEach(
        (name, v) -> {
          if (!before.containsKey(name)) {
            lines.add(name + " was not there, is '" + v + "'");
          }
        });
    return lines;
  }

  /** As JSON. */
  public String toJson() {
    JsonObject o = new JsonObject();
    JsonObject g = new JsonObject();
    g.addProperty("unit", goal.unit().toString());
    g.addProperty("amount", goal.amount());
    o.add("configuration", object(configuration));
    o.add("goal", g);
    o.addProperty("log-every", schedule.logEvery());
    o.addProperty("checkpoint-every", schedule.checkpointEvery());
    o.addProperty("keep", schedule.keep());
    o.addProperty(EVALUATE_EVERY, schedule.evaluateEvery());
    o.addProperty("evaluate-count", schedule.evaluateCount());
    o.add("environment", object(environment));
    return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(o) + "\n";
  }

  /** A map as a JSON object of strings. */
  static JsonObject object(Map<String, String> map) {
    JsonObject o = new JsonObject();
    map.forEach(o::addProperty);
    return o;
  }

  /** A JSON object of strings as a map, in its order. */
  static Map<String, String> map(JsonObject o) {
    Map<String, String> m = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> e : o.entrySet()) {
      m.put(e.getKey(), e.getValue().getAsString());
    }
    return m;
  }

  private static Schedule schedule(JsonObject o) {
    Schedule s =
        new Schedule(
            o.get("log-every").getAsLong(),
            o.get("checkpoint-every").getAsLong(),
            o.get("keep").getAsInt());
    // A run from before there were evaluations has none.
    return o.has(EVALUATE_EVERY)
        ? s.withEvaluations(o.get(EVALUATE_EVERY).getAsLong(), o.get("evaluate-count").getAsInt())
        : s;
  }

  void write(Path file) throws IOException {
    AtomicFile.write(file, out -> out.write(toJson().getBytes(StandardCharsets.UTF_8)));
  }

  static Manifest read(Path file) throws IOException {
    try {
      JsonObject o = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      JsonObject g = o.getAsJsonObject("goal");
      Goal.Unit unit = null;
      for (Goal.Unit u : Goal.Unit.values()) {
        unit = u.toString().equals(g.get("unit").getAsString()) ? u : unit;
      }
      return new Manifest(
          map(o.getAsJsonObject("configuration")),
          new Goal(unit, g.get("amount").getAsDouble()),
          schedule(o),
          map(o.getAsJsonObject("environment")));
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | IllegalArgumentException
        | UnsupportedOperationException
        | ClassCastException e) {
      throw new FormatException(file, "is not a run's manifest: " + e.getMessage(), e);
    }
  }
}
