package dev.kantor.io;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Writes whole files, or nothing: into a temporary file of the same folder, flushed to the disk,
 * then renamed over the old one. Whoever opens the path sees the old content or the new, never a
 * part. On any failure the old file stays and the temporary one is removed.
 */
public final class AtomicFile {
  private static final int CHUNK_BYTES = 1 << 20;

  /**
   * Below this much free space a failed write is put down to a full disk, whatever language the
   * system reports it in.
   */
  private static final long FULL_DISK_BYTES = 64 << 10;

  private AtomicFile() {}

  /** Produces the content of the file. */
  @FunctionalInterface
  public interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes {@code content} to {@code file}. A symbolic link is followed. The thread's interruption
   * does not disturb the write.
   *
   * @throws IOException if the file cannot be written: names the path, the reason and a remedy; or
   *     whatever {@code content} throws
   */
  public static void write(Path file, Content content) throws IOException {
    Path target =
        Files.isSymbolicLink(file) && Files.exists(file)
            ? file.toRealPath()
            : file.toAbsolutePath();
    if (Files.isDirectory(target)) {
      throw new IOException("cannot write " + file + ": it is a folder; give the name of a file");
    }
    Path folder = target.getParent();
    if (folder == null || target.getFileName() == null) {
      throw new IOException("cannot write " + file + ": it is not the name of a file");
    }
    Path temporary = folder.resolve("." + target.getFileName() + "." + unique() + ".tmp");
    try {
      // Not a FileChannel: an interrupt would close it, and a checkpoint is written exactly when
      // someone interrupts.
      try (FileOutputStream stream = open(file, temporary)) {
        OutputStream buffered = new BufferedOutputStream(new Explained(file, stream), 1 << 16);
        content.writeTo(buffered);
        buffered.flush();
        try {
          stream.getFD().sync();
        } catch (IOException e) {
          throw explain(file, e);
        }
      }
      replace(file, temporary, target);
    } finally {
      Files.deleteIfExists(temporary);
    }
    syncFolder(folder);
  }

  /**
   * Of this process by its number, of its threads by a random one. Not a UUID: the providers of
   * secure randomness take a good part of a short command's time to start, and nobody guards here
   * against a guess.
   */
  private static String unique() {
    return ProcessHandle.current().pid()
        + "-"
        + Long.toHexString(ThreadLocalRandom.current().nextLong());
  }

  /** Writes the bytes of a segment of any size. */
  public static void copy(MemorySegment segment, OutputStream out) throws IOException {
    byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, segment.byteSize())];
    for (long done = 0; done < segment.byteSize(); done += chunk.length) {
      int n = (int) Math.min(chunk.length, segment.byteSize() - done);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, done, chunk, 0, n);
      out.write(chunk, 0, n);
    }
  }

  private static FileOutputStream open(Path file, Path temporary) throws IOException {
    try {
      return new FileOutputStream(temporary.toFile());
    } catch (IOException e) {
      throw explain(file, e);
    }
  }

  private static void replace(Path file, Path temporary, Path target) throws IOException {
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(
          "cannot write "
              + file
              + ": its file system cannot rename atomically; choose another folder",
          e);
    } catch (IOException e) {
      throw explain(file, e);
    }
  }

  /**
   * Makes the rename itself durable. Not every system lets a folder be opened; then the file's own
   * flush is all there is.
   */
  private static void syncFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      return;
    }
  }

  private static IOException explain(Path file, IOException cause) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    String reason;
    if (!Files.isDirectory(folder)) {
      reason = "the folder " + folder + " does not exist; create it or choose another path";
    } else if (!Files.isWritable(folder)) {
      reason =
          "the folder "
              + folder
              + " is read-only or not yours; choose another folder or change its permissions";
    } else if (Files.getFileStore(folder).getUsableSpace() < FULL_DISK_BYTES) {
      reason =
          "the disk is full; free some space on the file system of "
              + folder
              + " or choose another folder";
    } else {
      reason = cause.getMessage() + "; check the disk of " + folder + " or choose another folder";
    }
    return new IOException("cannot write " + file + ": " + reason, cause);
  }

  /**
   * Tells failures of the disk from failures of whoever produces the content: only the former are
   * explained.
   */
  private static final class Explained extends OutputStream {
    private final Path file;
    private final OutputStream out;

    Explained(Path file, OutputStream out) {
      this.file = file;
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        throw explain(file, e);
      }
    }
  }
}
