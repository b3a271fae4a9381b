package dev.kantor.nativelib;

import java.util.Objects;

/**
 * A call of the native core failed. The message is the core's own: what was wrong and what to do
 * about it, outermost cause first, one cause a line.
 */
public final class KantorException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Status status;

  public KantorException(Status status, String message) {
    this(status, message, null);
  }

  public KantorException(Status status, String message, Throwable cause) {
    super(message, cause);
    this.status = Objects.requireNonNull(status, "status");
  }

  /** Why it failed; never {@link Status#OK}. */
  public Status status() {
    return status;
  }
}
