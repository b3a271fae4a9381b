package dev.kantor.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The metrics of a run, twice: {@code metrics.jsonl} with an object a line, {@code metrics.csv}
 * with a header. Rows are appended as training goes on; a run that is resumed first cuts off what
 * its checkpoint has not seen.
 */
public final class MetricsLog implements AutoCloseable {
  private static final List<String> LEADING = List.of("iteration", "epoch", "samples", "seconds");

  private final List<String> metrics;
  private final LineLog json;
  private final LineLog csv;

  /**
   * Opens the logs in a folder, new or to go on with.
   *
   * @param metrics names of a row's values
   * @param iteration rows of later iterations are removed, and a last line that was not written to
   *     its end
   * @throws IOException if they cannot be written
   */
  public MetricsLog(Path folder, List<String> metrics, long iteration) throws IOException {
    this.metrics = List.copyOf(metrics);
    json = new LineLog(folder.resolve("metrics.jsonl"), iteration, 0, LineLog::ofJson);
    try {
      csv =
          new LineLog(
              folder.resolve("metrics.csv"),
              iteration,
              1,
              line -> Long.parseLong(line.substring(0, line.indexOf(','))));
    } catch (IOException e) {
      json.close();
      throw e;
    }
    if (csv.isEmpty()) {
      List<String> header = new ArrayList<>(LEADING);
      header.addAll(this.metrics);
      csv.append(String.join(",", header));
      flush();
    }
  }

  /** Appends a row; it reaches the file with {@link #flush}. */
  public void append(Row row) throws IOException {
    List<Object> cells =
        new ArrayList<>(
            List.of(row.iteration(), round(row.epoch()), row.samples(), round(row.seconds())));
    row.values().forEach(v -> cells.add(v.floatValue()));
    StringBuilder object = new StringBuilder("{");
    for (int i = 0; i < cells.size(); i++) {
      String name = i < LEADING.size() ? LEADING.get(i) : metrics.get(i - LEADING.size());
      boolean finite = Double.isFinite(((Number) cells.get(i)).doubleValue());
      object
          .append(i == 0 ? "" : ", ")
          .append('"')
          .append(name)
          .append("\": ")
          .append(finite ? cells.get(i) : "null");
    }
    json.append(object.append("}").toString());
    csv.append(String.join(",", cells.stream().map(Object::toString).toList()));
  }

  static double round(double x) {
    return Math.rint(x * 1e4) / 1e4;
  }

  /** Hands all rows to the system: they then survive this process. */
  public void flush() throws IOException {
    json.flush();
    csv.flush();
  }

  /** Hands all rows to the disk. */
  public void sync() throws IOException {
    json.sync();
    csv.sync();
  }

  /**
   * The rows of a run's {@code metrics.csv}; of one that goes on, those written to their end.
   *
   * @throws IOException if the file cannot be read or is damaged
   */
  public static Table read(Path folder) throws IOException {
    Path file = folder.resolve("metrics.csv");
    String text = Files.readString(file);
    List<String> lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    if (lines.isEmpty()) {
      return new Table(LEADING, List.of());
    }
    List<String> columns = List.of(lines.getFirst().split(","));
    List<double[]> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",");
      double[] row = new double[columns.size()];
      try {
        for (int i = 0; i < row.length; i++) {
          row[i] = Double.parseDouble(cells[i]);
        }
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw new IOException(
            file + ": '" + line + "' is not a row of " + columns.size() + " numbers", e);
      }
      rows.add(row);
    }
    return new Table(columns, rows);
  }

  /** Columns by name. */
  public record Table(List<String> columns, List<double[]> rows) {
    /**
     * All values of a column.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public double[] column(String name) {
      int i = columns.indexOf(name);
      if (i < 0) {
        throw new IllegalArgumentException("there is no column " + name + "; there are " + columns);
      }
      return rows.stream().mapToDouble(r -> r[i]).toArray();
    }
  }

  @Override
  public void close() throws IOException {
    try (json;
        csv) {
      flush();
    }
  }
}
