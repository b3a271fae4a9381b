package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir private Path folder;

  @Test
  void replacesTheOldFileAndLeavesNothingElse() throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "old");
    AtomicFile.write(file, out -> out.write("new".getBytes()));
    assertEquals("new", Files.readString(file));
    assertEquals(List.of(file), files(folder));
  }

  @Test
  void aFailureOfTheContentLeavesTheOldFileAndPassesUnchanged() throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "old");
    IOException mine = new IOException("mine");
    assertEquals(
        mine,
        assertThrows(
            IOException.class,
            () ->
                AtomicFile.write(
                    file,
                    out -> {
                      out.write(new byte[100_000]);
                      throw mine;
                    })));
    assertThrows(
        IllegalStateException.class,
        () ->
            AtomicFile.write(
                file,
                out -> {
                  throw new IllegalStateException();
                }));
    assertEquals("old", Files.readString(file));
    assertEquals(List.of(file), files(folder));
  }

  @Test
  void aSymbolicLinkIsFollowed() throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("f"));
    AtomicFile.write(link, out -> out.write('x'));
    assertTrue(Files.isSymbolicLink(link));
    assertEquals("x", Files.readString(file));
  }

  @Test
  void anInterruptedThreadStillSaves() throws IOException {
    Path file = folder.resolve("f");
    Thread.currentThread().interrupt();
    AtomicFile.write(file, out -> out.write(new byte[3_000_000]));
    assertTrue(Thread.interrupted());
    assertEquals(3_000_000, Files.size(file));
  }

  @Test
  void missingFoldersAndFoldersAreNamedWithTheRemedy() {
    Path missing = folder.resolve("no/where");
    IOException e =
        assertThrows(IOException.class, () -> AtomicFile.write(missing, out -> out.write(1)));
    assertEquals(
        "cannot write "
            + missing
            + ": the folder "
            + missing.getParent()
            + " does not exist; create it or choose another path",
        e.getMessage());
    assertTrue(
        assertThrows(IOException.class, () -> AtomicFile.write(folder, out -> out.write(1)))
            .getMessage()
            .contains("it is a folder"));
  }

  @Test
  void aFullDiskIsNamedWithTheRemedyAndTheOldFileStays() throws IOException {
    try (SmallDisk disk = new SmallDisk(folder.resolve("small"))) {
      Path file = disk.folder.resolve("state.safetensors");
      SafeTensors.write(file, Map.of("w", entry(1000)), Map.of());
      byte[] old = Files.readAllBytes(file);
      IOException e =
          assertThrows(
              IOException.class,
              () -> SafeTensors.write(file, Map.of("w", entry(3 << 20)), Map.of()));
      assertTrue(
          e.getMessage().startsWith("cannot write " + file)
              && e.getMessage().contains("the disk is full; free some space"),
          e.getMessage());
      assertArrayEquals(old, Files.readAllBytes(file));
      assertEquals(List.of(file), files(disk.folder));
    }
  }

  @Test
  void aReadOnlyFolderIsNamedWithTheRemedyAndTheOldFileStays() throws IOException {
    try (SmallDisk disk = new SmallDisk(folder.resolve("small"))) {
      Path file = disk.folder.resolve("f.idx");
      Idx.write(file, MemorySegment.ofArray(new byte[4]), 4);
      disk.makeReadOnly();
      IOException e =
          assertThrows(
              IOException.class, () -> Idx.write(file, MemorySegment.ofArray(new byte[5]), 5));
      assertTrue(
          e.getMessage().startsWith("cannot write " + file)
              && e.getMessage().contains("is read-only or not yours; choose another"),
          e.getMessage());
      try (Arena arena = Arena.ofConfined()) {
        assertEquals(4, Idx.read(file, 1, arena).data().byteSize());
      }
    }
  }

  @Test
  void segmentsOfAnySizeAreCopiedWhole() throws IOException {
    byte[] bytes = new byte[(1 << 20) * 2 + 17];
    new Random(3).nextBytes(bytes);
    Path file = folder.resolve("f");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(bytes.length);
      MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
      AtomicFile.write(file, out -> AtomicFile.copy(segment, out));
    }
    assertArrayEquals(bytes, Files.readAllBytes(file));
  }

  private static SafeTensors.Entry entry(int bytes) {
    return new SafeTensors.Entry(
        ElementType.U8, new long[] {bytes}, MemorySegment.ofArray(new byte[bytes]));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** A file system of one megabyte. Needs root; without it the test is skipped and says so. */
  private static final class SmallDisk implements AutoCloseable {
    final Path folder;

    SmallDisk(Path folder) throws IOException {
      this.folder = Files.createDirectories(folder);
      boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.toString());
      if (!mounted) {
        System.err.println(
            "SKIPPED: a test that needs a small file system; run it as a user who may mount a"
                + " tmpfs");
      }
      assumeTrue(mounted, "cannot mount a tmpfs");
    }

    void makeReadOnly() {
      assertTrue(run("mount", "-o", "remount,ro", folder.toString()));
    }

    @Override
    public void close() {
      assertTrue(run("umount", folder.toString()));
    }

    private static boolean run(String... command) {
      try {
        ProcessBuilder process = new ProcessBuilder(command).redirectErrorStream(true);
        return process.redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
      } catch (IOException e) {
        return false;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }
}
