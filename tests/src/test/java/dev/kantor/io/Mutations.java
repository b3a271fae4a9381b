package dev.kantor.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** Damages files as disks, networks and enemies do. */
public final class Mutations {
  private static final byte[] EXTREMES = {0, 1, 0x7F, (byte) 0x80, (byte) 0xFF};

  private Mutations() {}

  /**
   * Puts the bytes into a new file. Deletes first: some file systems flush a file that is truncated
   * and rewritten to the disk, which would make thousands of cases slow.
   */
  public static void put(Path file, byte[] bytes) throws IOException {
    Files.deleteIfExists(file);
    Files.write(file, bytes);
  }

  /** A copy with one to three random changes, more of them near the start, where headers are. */
  public static byte[] mutate(byte[] valid, Random random) {
    byte[] bytes = valid.clone();
    for (int i = 1 + random.nextInt(3); i > 0 && bytes.length > 0; i--) {
      int at =
          random.nextBoolean()
              ? random.nextInt(bytes.length)
              : random.nextInt(Math.min(64, bytes.length));
      switch (random.nextInt(6)) {
        case 0 -> bytes = Arrays.copyOf(bytes, at);
        case 1 -> bytes = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(40));
        case 2 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 3 -> bytes[at] = EXTREMES[random.nextInt(EXTREMES.length)];
        case 4 ->
            Arrays.fill(
                bytes,
                at,
                Math.min(bytes.length, at + 4),
                EXTREMES[random.nextInt(EXTREMES.length)]);
        default -> {
          int from = random.nextInt(bytes.length);
          int n = Math.min(1 + random.nextInt(16), bytes.length - Math.max(at, from));
          System.arraycopy(
              valid,
              Math.min(from, valid.length - 1),
              bytes,
              at,
              Math.min(n, valid.length - Math.min(from, valid.length - 1)));
        }
      }
    }
    return bytes;
  }
}
