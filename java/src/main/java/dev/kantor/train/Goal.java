package dev.kantor.train;

import java.util.Locale;

/**
 * When a training is done, counted from its very beginning.
 *
 * @param unit what is counted
 * @param amount how many
 */
public record Goal(Unit unit, double amount) {
  /** What a goal counts. */
  public enum Unit {
    EPOCHS,
    ITERATIONS,
    /** Time spent training, pictures and checkpoints included. */
    MINUTES;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public Goal {
    boolean whole = unit == Unit.MINUTES || amount == Math.rint(amount);
    if (!(amount > 0) || Double.isInfinite(amount) || !whole) {
      throw new IllegalArgumentException(
          unit
              + " must be a positive "
              + (unit == Unit.MINUTES ? "" : "whole ")
              + "number: "
              + amount);
    }
  }

  /** The iteration at which it is reached; for minutes the largest number. */
  public long iterations(long perEpoch) {
    return switch (unit) {
      case EPOCHS -> Math.multiplyExact((long) amount, perEpoch);
      case ITERATIONS -> (long) amount;
      case MINUTES -> Long.MAX_VALUE;
    };
  }

  /** The seconds after which it is reached; infinite if it does not count time. */
  public double seconds() {
    return unit == Unit.MINUTES ? 60 * amount : Double.POSITIVE_INFINITY;
  }

  /** As in {@code 100 epochs}. */
  @Override
  public String toString() {
    String number =
        amount == Math.rint(amount) ? Long.toString((long) amount) : Double.toString(amount);
    return number
        + " "
        + (amount == 1 ? unit.toString().substring(0, unit.toString().length() - 1) : unit);
  }
}
