package dev.kantor.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Compares tensors with those of the oracle and keeps the verdicts, so that a failure lists them all. */
final class Differences {
  private final List<String> beyond = new ArrayList<>();
  private String worstName = "nothing";
  private double worst;

  /** ||a - b|| / ||b||, with 0 / 0 = 0. */
  static double relative(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(a.length + " numbers to compare with " + b.length);
    }
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < b.length; i++) {
      difference += (a[i] - b[i]) * (a[i] - b[i]);
      norm += b[i] * b[i];
    }
    return difference == 0 ? 0 : Math.sqrt(difference / norm);
  }

  /** Notes the distance of a tensor to the oracle's. */
  void add(String name, double[] got, double[] expected, double tolerance) {
    double error = relative(got, expected);
    if (!(error <= worst)) {
      worst = error;
      worstName = name;
    }
    if (!(error <= tolerance)) {
      beyond.add(String.format(Locale.ROOT, "%s: %.2e, tolerance %.0e", name, error, tolerance));
    }
  }

  /** What exceeds its tolerance, one line each. */
  String report() {
    return String.join("\n", beyond);
  }

  boolean isEmpty() {
    return beyond.isEmpty();
  }

  /** The largest distance and whose it is. */
  String largest() {
    return String.format(Locale.ROOT, "%.2e (%s)", worst, worstName);
  }
}
