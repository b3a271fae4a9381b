package dev.kantor.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps whole files for reading. */
final class MappedFile {
  private MappedFile() {}

  /**
   * The file's bytes, read-only, page-aligned, mapped until {@code arena} closes. The file must not
   * shrink meanwhile.
   *
   * @throws IOException if there is no such file or it cannot be read
   */
  static MemorySegment open(Path file, Arena arena) throws IOException {
    if (!Files.exists(file)) {
      throw new IOException("there is no file " + file);
    }
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + " is not a file");
    }
    if (!Files.isReadable(file)) {
      throw new IOException("cannot read " + file + ": change its permissions");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
  }
}
