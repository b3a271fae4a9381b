package dev.kantor.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Where values lie along one side of a plot, and where its ticks are. */
record Axis(double low, double high, boolean logarithmic) {
  private static final double LARGEST = 1e90;
  private static final double SMALLEST = 1e-90;

  /** Values that a tick marks, and what it says. */
  record Tick(double value, String label) {}

  Axis {
    if (!(low < high)
        || Double.isInfinite(low)
        || Double.isInfinite(high)
        || (logarithmic && low <= 0)) {
      throw new IllegalArgumentException("an axis from " + low + " to " + high);
    }
  }

  /**
   * An axis that holds these values with a little room; a value that it cannot show counts for
   * nothing.
   */
  static Axis around(double low, double high, boolean logarithmic) {
    if (!(low <= high)) {
      return logarithmic ? new Axis(0.1, 10, true) : new Axis(0, 1, false);
    }
    if (logarithmic) {
      double room = Math.max(Math.pow(high / low, 0.04), low == high ? 2 : 1.02);
      return new Axis(low / room, high * room, true);
    }
    double room =
        low == high ? Math.max(Math.abs(low) * 0.1, 1e-6) : Math.max(0.04 * (high - low), SMALLEST);
    return new Axis(low - room, high + room, false);
  }

  /** A linear axis from end to end, or around them if they are (nearly) the same. */
  static Axis between(double low, double high) {
    double least = Math.max(SMALLEST, 1e-9 * Math.abs(high));
    return high - low > least ? new Axis(low, high, false) : around(low, high, false);
  }

  /**
   * Whether an axis can show the value at all: neither NaN nor beyond what arithmetic on it
   * survives.
   */
  static boolean shows(double value, boolean logarithmic) {
    return Math.abs(value) <= LARGEST && (!logarithmic || value >= SMALLEST);
  }

  /** 0 at the low end, 1 at the high end. */
  double position(double value) {
    return logarithmic
        ? Math.log(value / low) / Math.log(high / low)
        : (value - low) / (high - low);
  }

  /** Round values inside the axis, about as many as wished. */
  List<Tick> ticks(int wished) {
    if (logarithmic && high / low >= 10) {
      return decades(wished);
    }
    double raw = (high - low) / Math.max(1, wished);
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double step =
        power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
    List<Tick> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
      ticks.add(new Tick(i * step, label(i * step, step)));
    }
    return ticks;
  }

  private List<Tick> decades(int wished) {
    int first = (int) Math.ceil(Math.log10(low) - 1e-9);
    int last = (int) Math.floor(Math.log10(high) + 1e-9);
    int step =
        Math.max(
            1,
            (last - first + 1) / Math.max(1, wished)
                + ((last - first + 1) % Math.max(1, wished) > 0 ? 1 : 0));
    List<Tick> ticks = new ArrayList<>();
    for (int power = first; power <= last; power += step) {
      double value = Math.pow(10, power);
      ticks.add(new Tick(value, label(value, value)));
    }
    return ticks;
  }

  private static String label(double value, double step) {
    double size = Math.abs(value);
    if (size < step / 2) {
      return "0";
    }
    if (size >= 1e6 || step < 1e-4) {
      String text = String.format(Locale.ROOT, "%.2e", value);
      return text.replaceAll("\\.?0*e", "e")
          .replace("e+0", "e")
          .replace("e-0", "e-")
          .replace("e+", "e");
    }
    if (size >= 1e4 && step >= 100) {
      return String.format(Locale.ROOT, "%.1fk", value / 1e3).replace(".0k", "k");
    }
    int digits = Math.max(0, (int) Math.ceil(-Math.log10(step) - 1e-9));
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
