package dev.kantor.metrics;

import java.util.Objects;
import java.util.Optional;

/**
 * A figure of an evaluation.
 *
 * @param name lower-case words with hyphens, as in JSON
 * @param value NaN if there is none: of classes, where no image shows one
 * @param interval by {@link Bootstrap}; empty where it would take long or means nothing
 */
public record Measure(String name, double value, Optional<Bootstrap.Interval> interval) {
  public Measure {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(interval, "interval");
  }
}
