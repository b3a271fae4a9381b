package dev.kantor.train;

import com.google.gson.JsonObject;
import dev.kantor.io.EventFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A run for TensorBoard: event files in the run's folder {@code tensorboard}, with a scalar for
 * each metric of each row and the pictures of samples. The steps are iterations.
 */
public final class EventLog implements AutoCloseable {
  private static final double MILLIS = 1e3;

  /** With more there are no scalars for each: nobody looks through a thousand panels. */
  private static final int MOST_CLASSES = 30;

  private final EventFile file;
  private final List<String> metrics;

  /**
   * Begins a file, after those that are there.
   *
   * @param metrics names of a row's values
   * @param iteration done already; what is there of later ones is declared void
   * @throws IOException if it cannot be written
   */
  public EventLog(RunFolder run, List<String> metrics, long iteration) throws IOException {
    this.metrics = List.copyOf(metrics);
    file = EventFile.create(run.path().resolve("tensorboard"), now());
    if (iteration > 0) {
      file.restart(now(), iteration + 1);
    }
  }

  private static double now() {
    return System.currentTimeMillis() / MILLIS;
  }

  /** Writes a row, the epoch included. */
  public void append(Row row) throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("epoch", row.epoch());
    for (int i = 0; i < metrics.size(); i++) {
      values.put(metrics.get(i), row.values().get(i));
    }
    file.scalars(now(), row.iteration(), values);
  }

  /** Writes the measures of an evaluation, and the share of samples that show each class. */
  public void append(Evaluated evaluated) throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    for (String measure : evaluated.evaluation().keySet()) {
      if (evaluated.evaluation().get(measure) instanceof JsonObject) {
        values.put("evaluation/" + measure, evaluated.value(measure));
      }
    }
    long[] histogram = evaluated.histogram();
    for (int c = 0; c < histogram.length && histogram.length <= MOST_CLASSES; c++) {
      values.put("classes/" + c, (double) histogram[c] / evaluated.count());
    }
    file.scalars(now(), evaluated.iteration(), values);
  }

  /** Writes the samples of an iteration, from a PNG. */
  public void picture(long iteration, Path png) throws IOException {
    file.image(now(), iteration, "samples", Files.readAllBytes(png));
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
