package dev.kantor.data;

import java.io.IOException;

/**
 * A data set could not be fetched from any mirror. The message says why for each and what to do
 * instead.
 */
public final class DownloadException extends IOException {
  private static final long serialVersionUID = 1L;

  public DownloadException(String message, Throwable cause) {
    super(message, cause);
  }
}
