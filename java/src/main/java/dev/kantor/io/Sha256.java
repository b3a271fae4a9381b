package dev.kantor.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 over memory segments of any size. */
public final class Sha256 {
  private final MessageDigest digest;
  private final byte[] chunk = new byte[1 << 16];

  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform must have SHA-256", e);
    }
  }

  public Sha256 update(MemorySegment segment) {
    for (long done = 0; done < segment.byteSize(); done += chunk.length) {
      int n = (int) Math.min(chunk.length, segment.byteSize() - done);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, done, chunk, 0, n);
      digest.update(chunk, 0, n);
    }
    return this;
  }

  public Sha256 update(String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  /** The sum as 64 lower-case hexadecimal digits; starts anew. */
  public String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
