package dev.kantor.compare;

import dev.kantor.train.Goal;
import dev.kantor.train.Job;
import java.util.Locale;

/**
 * How long each contestant trains.
 *
 * @param unit what is counted
 * @param amount how many
 */
public record Budget(Unit unit, double amount) {
  /** What a budget counts. */
  public enum Unit {
    EPOCHS,
    /** Real images seen, by the critic's updates. */
    IMAGES,
    MINUTES;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public Budget {
    boolean whole = unit == Unit.MINUTES || amount == Math.rint(amount);
    if (!(amount > 0) || Double.isInfinite(amount) || !whole) {
      throw new IllegalArgumentException(
          unit + " must be a positive " + (unit == Unit.MINUTES ? "" : "whole ") + "number");
    }
  }

  /**
   * A budget as it is written after a contestant's name.
   *
   * @throws IllegalArgumentException if it is none
   */
  static Budget parse(String unit, String amount) {
    try {
      return new Budget(Unit.valueOf(unit.toUpperCase(Locale.ROOT)), Double.parseDouble(amount));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(unit + " is '" + amount + "'; expected a number", e);
    }
  }

  /** Whether a word is what a budget can count. */
  static boolean isUnit(String word) {
    for (Unit u : Unit.values()) {
      if (u.toString().equals(word)) {
        return true;
      }
    }
    return false;
  }

  /** The goal of a job; images are rounded up to whole iterations. */
  public Goal goal(Job job) {
    return switch (unit) {
      case EPOCHS -> new Goal(Goal.Unit.EPOCHS, amount);
      case MINUTES -> new Goal(Goal.Unit.MINUTES, amount);
      case IMAGES -> new Goal(Goal.Unit.ITERATIONS, Math.ceil(amount / job.samplesPerIteration()));
    };
  }

  /**
   * Images that a job sees.
   *
   * @param secondsPerIteration measured; only a budget of minutes looks at it
   */
  public double images(Job job, double secondsPerIteration) {
    return switch (unit) {
      case EPOCHS -> amount * job.iterationsPerEpoch() * job.samplesPerIteration();
      case MINUTES -> 60 * amount / secondsPerIteration * job.samplesPerIteration();
      case IMAGES -> amount;
    };
  }

  /** As in {@code 100 epochs}. */
  @Override
  public String toString() {
    String number =
        amount == Math.rint(amount)
            ? String.format(Locale.ROOT, "%,d", (long) amount)
            : Double.toString(amount);
    return number + " " + (amount == 1 ? unit.toString().replaceAll("s$", "") : unit);
  }
}
