package dev.kantor.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Compares tensors with those of the oracle and keeps the verdicts, so that a failure lists them
 * all.
 */
final class Differences {
  private final List<String> beyond = new ArrayList<>();
  private String worstName = "nothing";
  private double worst;

  /**
   * Notes the distance of a tensor to the oracle's, ||a - b|| / ||b||.
   *
   * @param floor a root of the mean square of a - b that is passed whatever b is
   */
  void add(String name, double[] got, double[] expected, double tolerance, double floor) {
    if (got.length != expected.length) {
      throw new IllegalArgumentException(
          name + " has " + got.length + " numbers, the oracle's " + expected.length);
    }
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < got.length; i++) {
      difference += (got[i] - expected[i]) * (got[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    if (Math.sqrt(difference / got.length) <= floor) {
      return;
    }
    double error = Math.sqrt(difference / norm);
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

  double worst() {
    return worst;
  }

  /** The largest distance and whose it is. */
  String largest() {
    return String.format(Locale.ROOT, "%.2e (%s)", worst, worstName);
  }
}
