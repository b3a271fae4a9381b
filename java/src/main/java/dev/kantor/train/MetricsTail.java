package dev.kantor.train;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Follows a run's {@code metrics.jsonl}, or its {@code evaluations.jsonl}, while another thread or
 * process appends to it. The file is opened to be read, for as long as a call takes, and never
 * locked. For one thread.
 */
public final class MetricsTail {
  /** What a call reads at most, so that a long run is passed on in parts. */
  private static final int CHUNK_BYTES = 1 << 20;

  private final Path file;
  private long offset;
  private long lastIteration;
  private Object key; // of the file, where the system has such a thing: another took its place

  // Begins before the first row; the file need not exist yet.
  private MetricsTail(Path file) {
    this.file = file;
  }

  /** Follows a run's metrics. */
  public static MetricsTail ofMetrics(Path folder) {
    return new MetricsTail(folder.resolve("metrics.jsonl"));
  }

  /** Follows a run's evaluations. */
  public static MetricsTail ofEvaluations(Path folder) {
    return new MetricsTail(EvaluationLog.file(folder));
  }

  /**
   * What has come.
   *
   * @param isRestart rows were cut off, as a resumed run does, or others took their place: those
   *     given before are void, and all come again
   * @param rows whole rows, of rising iterations; null stands for what is not finite
   */
  public record News(boolean isRestart, List<JsonObject> rows) {
    public News {
      rows = List.copyOf(rows);
    }

    /** Whether nothing has come. */
    public boolean isEmpty() {
      return !isRestart && rows.isEmpty();
    }
  }

  /**
   * Reads what has come since the last call; there may be more until a call returns nothing.
   *
   * @throws IOException if the file cannot be read
   */
  public News poll() throws IOException {
    if (!Files.exists(file)) {
      boolean hadRows = offset > 0;
      goBack();
      return new News(hadRows, List.of());
    }
    boolean isRestart = false;
    byte[] bytes;
    int read;
    Object before = key;
    key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "r")) {
      if (wasCut(f) || offset > 0 && !Objects.equals(key, before)) {
        goBack();
        isRestart = true;
      }
      f.seek(offset);
      bytes = new byte[Math.clamp(f.length() - offset, 0, CHUNK_BYTES)];
      read = f.read(bytes); // fewer if the file is cut just now: the next call notices
    }
    List<JsonObject> rows = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < read; i++) {
      if (bytes[i] == '\n') {
        add(new String(bytes, start, i - start, StandardCharsets.UTF_8), rows);
        start = i + 1;
      }
    }
    offset += start;
    return new News(isRestart, rows);
  }

  private void goBack() {
    offset = 0;
    lastIteration = 0;
  }

  /** What was read ended with a line's end; if the file has none there now, it is another's. */
  private boolean wasCut(RandomAccessFile f) throws IOException {
    if (offset == 0) {
      return false;
    }
    if (f.length() < offset) {
      return true;
    }
    f.seek(offset - 1);
    return f.read() != '\n';
  }

  private void add(String line, List<JsonObject> rows) {
    JsonElement e;
    try {
      e = JsonParser.parseString(line);
    } catch (JsonParseException damaged) {
      return; // a power cut can leave anything; whoever resumes the run cuts it off
    }
    if (e instanceof JsonObject row
        && row.get("iteration") instanceof JsonPrimitive iteration
        && iteration.isNumber()
        // A row that was cut off and came again has the numbers it had.
        && iteration.getAsLong() > lastIteration) {
      lastIteration = iteration.getAsLong();
      rows.add(row);
    }
  }
}
