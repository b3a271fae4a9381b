package dev.kantor.train;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import dev.kantor.io.AtomicFile;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The evaluations of a run, {@code evaluations.jsonl}: an object a line. A run that is resumed
 * first cuts off what its checkpoint has not seen.
 */
public final class EvaluationLog {
  private static final String NAME = "evaluations.jsonl";
  private static final String ASIDE = "evaluations-%d.jsonl";
  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

  private final Path file;
  private final List<Evaluated> all;

  /**
   * Goes on with the log in a folder, or with none yet.
   *
   * @param iteration evaluations of later ones are removed
   * @throws IOException if it cannot be read and written
   */
  public EvaluationLog(Path folder, long iteration) throws IOException {
    file = file(folder);
    LineLog.cut(file, iteration, 0, line -> Evaluated.parse(line).iteration());
    all = new ArrayList<>(read(folder));
  }

  /** Where they are in a run's folder; there is none before the first. */
  public static Path file(Path folder) {
    return folder.resolve(NAME);
  }

  /**
   * Copies the evaluations of a run to where they are kept, but no longer looked at: {@code
   * evaluations-1.jsonl}, or the next number. If what was about to be done then was not done, and
   * the copy is still there, that one will do.
   *
   * @return where they are
   */
  public static Path setAside(Path folder) throws IOException {
    int number = 1;
    while (Files.exists(aside(folder, number))) {
      number++;
    }
    Path last = aside(folder, number - 1);
    if (number > 1 && Files.mismatch(file(folder), last) < 0) {
      return last;
    }
    Path next = aside(folder, number);
    AtomicFile.write(next, out -> Files.copy(file(folder), out));
    return next;
  }

  private static Path aside(Path folder, int number) {
    return folder.resolve(ASIDE.formatted(number));
  }

  /** Whether a run was ever evaluated, whatever has become of it. */
  public static boolean isBegun(Path folder) {
    return Files.exists(file(folder)) || Files.exists(aside(folder, 1));
  }

  /**
   * Puts other evaluations in the place of those of a run, in one step.
   *
   * @param all the earliest first
   * @throws IOException if they cannot be written; then those that were there are still there
   */
  public static void replace(Path folder, List<Evaluated> all) throws IOException {
    AtomicFile.write(
        file(folder),
        out -> {
          for (Evaluated e : all) {
            out.write(line(e));
          }
        });
  }

  private static byte[] line(Evaluated e) {
    return (GSON.toJson(e.toJson()) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Those that are there, the earliest first. */
  public List<Evaluated> all() {
    return List.copyOf(all);
  }

  /** Appends one and hands it to the disk. */
  public void append(Evaluated evaluated) throws IOException {
    try (FileOutputStream out = new FileOutputStream(file.toFile(), true)) {
      out.write(line(evaluated));
      out.getFD().sync();
    }
    all.add(evaluated);
  }

  /**
   * The evaluations of a run, the earliest first; none if it was not evaluated. What is damaged,
   * and what comes after it, is not there: a resumed run cuts it off.
   *
   * @throws IOException if the file cannot be read
   */
  public static List<Evaluated> read(Path folder) throws IOException {
    List<Evaluated> rows = new ArrayList<>();
    if (!Files.exists(file(folder))) {
      return rows;
    }
    String text = new String(Files.readAllBytes(file(folder)), StandardCharsets.UTF_8);
    for (int start = 0, end; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
      try {
        rows.add(Evaluated.parse(text.substring(start, end)));
      } catch (JsonParseException e) {
        break; // a power cut can leave anything at the end
      }
    }
    return rows;
  }
}
