package dev.kantor.train;

import dev.kantor.io.FormatException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A run's folder: {@code manifest.json}, {@code metrics.jsonl}, {@code metrics.csv}, {@code
 * evaluations.jsonl}, {@code curves.png}, {@code samples/} and {@code
 * checkpoints/iteration-NNNNNNNN.safetensors}. It may be moved: nothing in it names its place.
 *
 * @param path the folder
 */
public record RunFolder(Path path) {
  private static final Pattern CHECKPOINT = Pattern.compile("iteration-(\\d{8,})\\.safetensors");

  /**
   * Finds out, before any work is done, whether a new run can have a folder.
   *
   * @throws IOException if there is one that is not empty
   */
  public static void requireFree(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      try (Stream<Path> inside = Files.list(path)) {
        if (inside.findAny().isPresent()) {
          throw new IOException(
              path
                  + " is not empty; choose another folder with --out, or continue that run: kantor"
                  + " resume "
                  + path);
        }
      }
    }
  }

  /**
   * Makes a folder for a new run, its parents included.
   *
   * @throws IOException if there is one that is not empty, or it cannot be made
   */
  public static RunFolder create(Path path) throws IOException {
    requireFree(path);
    RunFolder run = new RunFolder(path);
    try {
      Files.createDirectories(run.samples());
      Files.createDirectories(run.checkpoints());
    } catch (FileAlreadyExistsException e) {
      throw new IOException(
          "cannot make the folder "
              + path
              + ": "
              + e.getMessage()
              + " is a file; choose another with --out",
          e);
    } catch (IOException e) {
      throw new IOException(
          "cannot make the folder "
              + path
              + ": read-only, full, or not yours; choose another with --out",
          e);
    }
    return run;
  }

  /**
   * The folder of a run that exists.
   *
   * @throws IOException if there is no manifest in it
   */
  public static RunFolder open(Path path) throws IOException {
    RunFolder run = new RunFolder(path);
    if (!Files.isRegularFile(run.manifestFile())) {
      throw new IOException(
          path
              + " is not the folder of a run: there is no "
              + run.manifestFile()
              + "; `kantor train` makes one");
    }
    return run;
  }

  private Path manifestFile() {
    return path.resolve("manifest.json");
  }

  /** Where the pictures of samples are. */
  public Path samples() {
    return path.resolve("samples");
  }

  public Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /**
   * Reads the manifest.
   *
   * @throws FormatException if it is damaged
   */
  public Manifest manifest() throws IOException {
    return Manifest.read(manifestFile());
  }

  /** Writes the manifest, atomically. */
  public void write(Manifest manifest) throws IOException {
    manifest.write(manifestFile());
  }

  /**
   * Keeps other processes from training in this folder until the result is closed, or this process
   * ends, however it does.
   *
   * @throws IOException if another one does
   */
  public FileChannel lock() throws IOException {
    FileChannel channel =
        FileChannel.open(
            path.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw locked(e);
    }
    channel.close();
    throw locked(null);
  }

  private IOException locked(Exception cause) {
    return new IOException(
        "another process is training in " + path + "; wait for it or stop it", cause);
  }

  /** The file of a checkpoint. */
  public Path checkpoint(long iteration) {
    return checkpoints()
        .resolve(String.format(Locale.ROOT, "iteration-%08d.safetensors", iteration));
  }

  /** Iterations of which there is a checkpoint, the latest first. */
  public List<Long> iterations() throws IOException {
    List<Long> found = new ArrayList<>();
    if (Files.isDirectory(checkpoints())) {
      try (Stream<Path> files = Files.list(checkpoints())) {
        files.forEach(
            f -> {
              Matcher m = CHECKPOINT.matcher(f.getFileName().toString());
              if (m.matches()) {
                found.add(Long.parseLong(m.group(1)));
              }
            });
      }
    }
    found.sort(Comparator.reverseOrder());
    return found;
  }

  /** Loads a checkpoint. */
  @FunctionalInterface
  public interface Load {
    /** Throws {@link FormatException} if the file is damaged; then nothing has changed. */
    Checkpoint from(Path file) throws IOException;
  }

  /**
   * Loads the latest checkpoint that is not damaged.
   *
   * @param damaged is told of each that is
   * @return empty if there are no checkpoints at all
   * @throws IOException if all of them are damaged
   */
  public Optional<Checkpoint> loadLatest(Load load, Consumer<String> damaged) throws IOException {
    List<Long> all = iterations();
    for (long i : all) {
      try {
        return Optional.of(load.from(checkpoint(i)));
      } catch (FormatException e) {
        damaged.accept(e.getMessage());
      }
    }
    if (!all.isEmpty()) {
      throw new IOException(
          "all "
              + all.size()
              + " checkpoints of "
              + path
              + " are damaged; start the run again with kantor train");
    }
    return Optional.empty();
  }

  /**
   * Removes all checkpoints but the latest {@code keep} of those up to an iteration, and what an
   * aborted write left behind.
   *
   * @param best the iteration of one that stays whatever its age; empty: there is none
   */
  public void prune(int keep, long upTo, OptionalLong best) throws IOException {
    List<Long> all = iterations().stream().filter(i -> i <= upTo).toList();
    for (long i : all.subList(Math.min(keep, all.size()), all.size())) {
      if (best.isEmpty() || i != best.getAsLong()) {
        Files.deleteIfExists(checkpoint(i));
      }
    }
    try (Stream<Path> files = Files.list(checkpoints())) {
      for (Path f : files.filter(f -> f.getFileName().toString().endsWith(".tmp")).toList()) {
        Files.deleteIfExists(f);
      }
    }
  }

  /**
   * Removes the checkpoints after an iteration: those that a resumed run found damaged and does
   * again.
   */
  public void discardAfter(long iteration) throws IOException {
    for (long i : iterations()) {
      if (i > iteration) {
        Files.deleteIfExists(checkpoint(i));
      }
    }
  }
}
