package dev.kantor.io;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file's content is not what it claims to be. The message names the file, what was found and what
 * was expected.
 */
public final class FormatException extends IOException {
  private static final long serialVersionUID = 1L;

  public FormatException(Path file, String problem) {
    super(file + ": " + problem);
  }

  public FormatException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
