package dev.kantor.train;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.BufferedWriter;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.RandomAccessFile;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file of lines, each of an iteration, that a training appends to. Opening it cuts off what is of
 * later iterations than the training goes on from, and what is damaged.
 */
final class LineLog implements AutoCloseable {
  private final FileOutputStream file;
  private final Writer writer;
  private final boolean isEmpty;

  /** The iteration that a line is of; may throw what parsing throws. */
  interface Iteration {
    long of(String line);
  }

  /** Of a line that is a JSON object. */
  static long ofJson(String line) {
    return JsonParser.parseString(line).getAsJsonObject().get("iteration").getAsLong();
  }

  /**
   * Opens a file, new or to go on with.
   *
   * @param last the first line of a later iteration, or of none, and all after it are removed, as
   *     is a last line that was not written to its end
   * @param headerLines lines at the beginning that are of no iteration
   * @throws IOException if it cannot be read and written
   */
  LineLog(Path path, long last, int headerLines, Iteration iteration) throws IOException {
    cut(path, last, headerLines, iteration);
    file = new FileOutputStream(path.toFile(), true);
    writer = new BufferedWriter(new OutputStreamWriter(file, StandardCharsets.UTF_8));
    isEmpty = Files.size(path) == 0;
  }

  /** Cuts a file, if there is one, as opening it does. */
  static void cut(Path file, long last, int headerLines, Iteration iteration) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    int kept = 0;
    int number = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        String line = new String(bytes, kept, i - kept, StandardCharsets.UTF_8);
        if (number++ >= headerLines && !isAtMost(line, iteration, last)) {
          break;
        }
        kept = i + 1;
      }
    }
    if (kept < bytes.length) {
      try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
        f.setLength(kept);
      }
    }
  }

  private static boolean isAtMost(String line, Iteration iteration, long last) {
    try {
      return iteration.of(line) <= last;
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | NumberFormatException
        | StringIndexOutOfBoundsException e) {
      return false; // a power cut can leave anything at the end
    }
  }

  /** Whether nothing was in it when it was opened. */
  boolean isEmpty() {
    return isEmpty;
  }

  /** Appends a line, given without its end; it reaches the file with {@link #flush}. */
  void append(String line) throws IOException {
    writer.write(line + "\n");
  }

  /** Hands all lines to the system: they then survive this process. */
  void flush() throws IOException {
    writer.flush();
  }

  /** Hands all lines to the disk. */
  void sync() throws IOException {
    flush();
    file.getFD().sync();
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
