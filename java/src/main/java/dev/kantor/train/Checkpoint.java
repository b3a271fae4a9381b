package dev.kantor.train;

import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.io.ElementType;
import dev.kantor.io.FormatException;
import dev.kantor.io.SafeTensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A state in a file: every slot that is not mapped data, by its name, in safetensors form with
 * checksums, and beside them what the run was when it was written.
 *
 * @param iteration iterations done
 * @param seconds time spent training
 * @param configuration the run's, see {@link Manifest}
 */
public record Checkpoint(long iteration, double seconds, Map<String, String> configuration) {
  private static final String ITERATION = "iteration";
  private static final String SECONDS = "seconds";
  private static final String CONFIGURATION = "configuration";

  public Checkpoint {
    configuration = new LinkedHashMap<>(configuration);
  }

  /**
   * Writes the state, atomically.
   *
   * @throws IOException if it cannot be written; a file that was there is intact
   */
  public void write(Path file, State state) throws IOException {
    try (Copy copy = copy(state)) {
      copy.write(file);
    }
  }

  /** Copies the state as it is now. */
  Copy copy(State state) {
    return new Copy(this, state);
  }

  /** A state in the host's memory, for a thread to write while the state itself goes on. */
  static final class Copy implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final Arena arena = Arena.ofShared();
    private final Map<String, SafeTensors.Entry> tensors = new LinkedHashMap<>();

    private Copy(Checkpoint checkpoint, State state) {
      this.checkpoint = checkpoint;
      try {
        for (Slot slot : slots(state)) {
          tensors.put(
              slot.name(),
              new SafeTensors.Entry(type(slot), slot.shape().dims(), state.read(slot, arena)));
        }
      } catch (RuntimeException e) {
        arena.close();
        throw e;
      }
    }

    /**
     * Writes it, atomically.
     *
     * @throws IOException if it cannot be written; a file that was there is intact
     */
    void write(Path file) throws IOException {
      SafeTensors.write(
          file,
          tensors,
          Map.of(
              "format",
              "kantor",
              ITERATION,
              Long.toString(checkpoint.iteration),
              SECONDS,
              Double.toString(checkpoint.seconds),
              CONFIGURATION,
              Manifest.object(checkpoint.configuration).toString()));
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  /**
   * Fills slots of a state from a file; what goes into them is verified first: on failure the state
   * is as it was.
   *
   * @param slots those to fill; the file may hold more
   * @throws FormatException if it is damaged, lacks a slot or has one of another shape or type
   * @throws IOException if it cannot be read
   */
  public static Checkpoint load(Path file, State state, Collection<Slot> slots) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors stored =
          SafeTensors.open(
              file, arena, slots.stream().map(Slot::name).collect(Collectors.toUnmodifiableSet()));
      for (Slot slot : slots) {
        SafeTensors.Entry e = stored.tensors().get(slot.name());
        if (e == null) {
          throw new FormatException(
              file,
              "has no tensor "
                  + slot.name()
                  + "; it belongs to another model, or was written by another version of Kantor");
        }
        if (e.type() != type(slot) || !Arrays.equals(e.shape(), slot.shape().dims())) {
          throw new FormatException(
              file,
              "tensor "
                  + slot.name()
                  + " is "
                  + e.type()
                  + Arrays.toString(e.shape())
                  + "; expected "
                  + type(slot)
                  + slot.shape());
        }
      }
      for (Slot slot : slots) {
        MemorySegment data = stored.tensors().get(slot.name()).data();
        state.write(slot, data);
      }
      return of(file, stored);
    }
  }

  /** The slots of a state that a checkpoint holds. */
  public static List<Slot> slots(State state) {
    return state.slots().stream().filter(s -> !state.isMapped(s)).toList();
  }

  private static Checkpoint of(Path file, SafeTensors stored) throws FormatException {
    Map<String, String> m = stored.metadata();
    try {
      return new Checkpoint(
          Long.parseLong(m.get(ITERATION)),
          Double.parseDouble(m.get(SECONDS)),
          Manifest.map(JsonParser.parseString(m.get(CONFIGURATION)).getAsJsonObject()));
    } catch (NumberFormatException
        | NullPointerException
        | JsonParseException
        | IllegalStateException
        | UnsupportedOperationException e) {
      throw new FormatException(
          file,
          "is no checkpoint of Kantor: its metadata lacks iteration, seconds or configuration",
          e);
    }
  }

  private static ElementType type(Slot slot) {
    return ElementType.valueOf(slot.dtype().name());
  }
}
