package dev.kantor.compare;

import dev.kantor.train.Evaluated;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Contestants side by side.
 *
 * @param setting what was asked for
 * @param entries in the order in which they were named
 */
public record Comparison(Setting setting, List<Entry> entries) {
  /**
   * What was asked for.
   *
   * @param data the name of the data set
   * @param budget of those that have none of their own
   * @param seeds how many trainings each has
   * @param target the distance until which images are counted; empty: chosen from the data
   * @param command what makes it again
   * @param device what it runs on, for people
   * @param real an evaluation of held-out real samples: as good as it gets; empty where there are
   *     none
   */
  public record Setting(
      String data,
      Budget budget,
      int seeds,
      Optional<Double> target,
      String command,
      String device,
      Optional<Evaluated> real) {
    public Setting {
      Objects.requireNonNull(target, "target");
      Objects.requireNonNull(real, "real");
    }
  }

  /**
   * A distance, and where it is from.
   *
   * @param value to be reached
   * @param reason for people
   */
  public record Target(double value, String reason) {}

  public Comparison {
    entries = List.copyOf(entries);
  }

  /** The largest number of images that all of these have seen; 0 if some are not there yet. */
  public static long images(List<Entry> of) {
    return of.stream()
        .flatMap(e -> e.sound().stream())
        .mapToLong(RunResult::images)
        .filter(n -> n > 0)
        .min()
        .orElse(0);
  }

  /** The same of all contestants that are there. */
  public long images() {
    return images(entries);
  }

  private Stream<Evaluated> evaluations() {
    return entries.stream().flatMap(e -> e.runs().stream()).flatMap(r -> r.evaluations().stream());
  }

  /** The measures that there are. */
  public List<Criterion> criteria() {
    return Criterion.in(evaluations().toList());
  }

  /** The measure that ranks, less is better. */
  public String ranking() {
    return evaluations().findFirst().map(Evaluated::ranking).orElse("fd-judge");
  }

  /** The ranking measure, for people. */
  public String rankingTitle() {
    return criteria().stream()
        .filter(c -> c.name().equals(ranking()))
        .map(Criterion::title)
        .findFirst()
        .orElse(ranking());
  }

  /** The contestant whose ranking measure is best at equal images; empty if none is there. */
  public Optional<Entry> best() {
    return entries.stream()
        .filter(e -> e.at(ranking(), images()).exists())
        .min(Comparator.comparingDouble(e -> e.at(ranking(), images()).mean()));
  }

  /** The contestant that has the best mean of a measure; empty if none is better than others. */
  public Optional<Entry> best(Criterion c) {
    double sign = c.better() == Criterion.Better.LESS ? 1 : -1;
    List<Entry> there = entries.stream().filter(e -> e.at(c.name(), images()).exists()).toList();
    Comparator<Entry> order =
        Comparator.comparingDouble(e -> sign * e.at(c.name(), images()).mean());
    if (c.better() == Criterion.Better.NEITHER
        || there.size() < 2
        || order.compare(there.stream().min(order).get(), there.stream().max(order).get()) == 0) {
      return Optional.empty();
    }
    return there.stream().min(order);
  }

  /**
   * The distance until which images are counted: what was asked for, else the best that the middle
   * contestant has by the images that all have seen, so that about half get there; the worse of
   * two. Empty if none is there.
   */
  public Optional<Target> target() {
    if (setting.target().isPresent()) {
      return Optional.of(new Target(setting.target().get(), "as asked for"));
    }
    String measure = ranking();
    long images = images();
    List<Entry> order =
        entries.stream()
            .filter(e -> best(e, measure, images).exists())
            .sorted(Comparator.comparingDouble(e -> best(e, measure, images).mean()))
            .toList();
    if (order.isEmpty()) {
      return Optional.empty();
    }
    Entry middle = order.get(order.size() / 2);
    return Optional.of(
        new Target(
            best(middle, measure, images).high(),
            "the best that every seed of "
                + middle.label()
                + ", "
                + (order.size() == 2 ? "the worse of the two" : "the middle one")
                + ", reached"
                + (middle.isComplete(images) ? "" : ", of evaluations that are there")));
  }

  /** The least of a measure that each run had by so many images. */
  static Spread best(Entry entry, String measure, long images) {
    return entry.of(r -> r.least(measure, images));
  }

  /** What the literature says of these variants, beside the numbers. */
  public List<Claim> claims() {
    return new Claims(this).all();
  }
}
