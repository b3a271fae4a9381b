package dev.kantor.train;

import java.util.List;

/**
 * What is logged of a window of iterations.
 *
 * @param iteration iterations done at the window's end
 * @param epoch passes over the data done, with their fraction
 * @param samples real samples seen
 * @param seconds time spent training, pictures and checkpoints included
 * @param values means over the window, in the order of the job's metrics
 */
public record Row(long iteration, double epoch, long samples, double seconds, List<Double> values) {
  public Row {
    values = List.copyOf(values);
  }
}
