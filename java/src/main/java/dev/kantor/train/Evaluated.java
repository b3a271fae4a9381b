package dev.kantor.train;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What samples were worth at an iteration.
 *
 * @param iteration iterations done
 * @param epoch passes over the data done, with their fraction
 * @param samples real samples seen
 * @param seconds time spent training, pictures and checkpoints included, evaluations not
 * @param evaluation of samples, as {@code kantor evaluate --json} has it: a measure is an object
 *     with a {@code value}, null for NaN. Those of two judges cannot be compared
 * @param alarm what is wrong, for people; empty if nothing is known to be
 * @param isAfterGap whether evaluations between this one and the one before it in the log are not
 *     there any more: another judge made them, of states that were not kept, so that nobody knows
 *     what this one's judge would have said
 */
public record Evaluated(
    long iteration,
    double epoch,
    long samples,
    double seconds,
    JsonObject evaluation,
    Optional<String> alarm,
    boolean isAfterGap) {
  private static final String GAP = "after-gap";

  /** Measures that rank: less is better. An evaluation has one of them. */
  private static final List<String> DISTANCES = List.of("fd-judge", "mode-distance");

  public Evaluated {
    Objects.requireNonNull(evaluation, "evaluation");
    Objects.requireNonNull(alarm, "alarm");
  }

  /** One that follows on the one before it. */
  public Evaluated(
      long iteration,
      double epoch,
      long samples,
      double seconds,
      JsonObject evaluation,
      Optional<String> alarm) {
    this(iteration, epoch, samples, seconds, evaluation, alarm, false);
  }

  /** A measure's value; NaN if there is none. */
  public double value(String measure) {
    return evaluation.get(measure) instanceof JsonObject m
            && m.get("value") instanceof JsonElement v
            && v.isJsonPrimitive()
        ? v.getAsDouble()
        : Double.NaN;
  }

  /**
   * The checksum of the judge in whose eyes it is; empty if none was needed, or it is not known.
   */
  public Optional<String> judge() {
    return Optional.ofNullable(evaluation.get("judge")).map(JsonElement::getAsString);
  }

  /** How many samples were evaluated. */
  public long count() {
    return evaluation.get("count").getAsLong();
  }

  /** How many samples show each class; of points, how many of high quality each mode has. */
  public long[] histogram() {
    return evaluation.getAsJsonArray("histogram").asList().stream()
        .mapToLong(JsonElement::getAsLong)
        .toArray();
  }

  /**
   * The measure by which the best checkpoint is chosen, less is better: FD-judge; of points the
   * mode distance.
   */
  public String ranking() {
    return DISTANCES.stream().filter(evaluation::has).findFirst().orElse(DISTANCES.getFirst());
  }

  /** Its value; NaN if there is none. */
  public double distance() {
    return value(ranking());
  }

  /** The one of the lowest distance, of equal ones the first; empty if none has a distance. */
  public static Optional<Evaluated> best(List<Evaluated> all) {
    return all.stream()
        .filter(e -> !Double.isNaN(e.distance()))
        .min(Comparator.comparingDouble(Evaluated::distance));
  }

  JsonObject toJson() {
    JsonObject o = new JsonObject();
    o.addProperty("iteration", iteration);
    o.addProperty("epoch", MetricsLog.round(epoch));
    o.addProperty("samples", samples);
    o.addProperty("seconds", MetricsLog.round(seconds));
    alarm.ifPresent(a -> o.addProperty("alarm", a));
    if (isAfterGap) {
      o.addProperty(GAP, true);
    }
    o.add("evaluation", evaluation);
    return o;
  }

  /**
   * The inverse.
   *
   * @throws JsonParseException if the line is something else
   */
  static Evaluated parse(String line) {
    try {
      JsonObject o = JsonParser.parseString(line).getAsJsonObject();
      return new Evaluated(
          o.get("iteration").getAsLong(),
          o.get("epoch").getAsDouble(),
          o.get("samples").getAsLong(),
          o.get("seconds").getAsDouble(),
          o.getAsJsonObject("evaluation"),
          Optional.ofNullable(o.get("alarm")).map(JsonElement::getAsString),
          o.has(GAP) && o.get(GAP).getAsBoolean());
    } catch (IllegalStateException
        | NullPointerException
        | ClassCastException
        | NumberFormatException
        | UnsupportedOperationException e) {
      throw new JsonParseException("'" + line + "' is no evaluation", e);
    }
  }
}
