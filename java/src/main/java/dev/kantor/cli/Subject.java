package dev.kantor.cli;

import com.google.gson.JsonObject;
import dev.kantor.cli.Pictures.Size;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.gan.Generation;
import dev.kantor.gan.Model;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.io.FormatException;
import dev.kantor.io.Idx;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import dev.kantor.train.Checkpoint;
import dev.kantor.train.Manifest;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What is evaluated.
 *
 * @param title for people
 * @param facts for machines
 * @param samples u8 [count, channels, height, width], of points f32 [count, 2]
 * @param requested the class that each was drawn for, where classes are drawn
 * @param result the file beside it that the result goes into
 */
record Subject(
    String title, JsonObject facts, MemorySegment samples, Optional<int[]> requested, Path result) {

  /**
   * Samples of a run; where it has learnt classes they take turns.
   *
   * @param seed of the noise; null: the run's
   */
  static Subject ofRun(
      RunFolder folder,
      CheckpointOption checkpoint,
      Device device,
      Form form,
      int count,
      Long seed,
      Arena arena)
      throws IOException {
    Manifest manifest = folder.manifest();
    String image = manifest.value("image");
    if (!image.equals(form.toString())) {
      throw new IllegalArgumentException(
          folder.path()
              + " draws samples of "
              + image
              + ", the data has "
              + form
              + "; give with --data what it was trained on");
    }
    Model model = Model.of(Session.settings(manifest), form.shape());
    Generation generation =
        model
            .generation()
            .orElseThrow(
                () ->
                    new KantorException(
                        Status.UNSUPPORTED,
                        "a classifier draws no samples to evaluate; train another variant"));
    long theSeed = seed != null ? seed : Long.parseLong(manifest.value("seed"));
    Drawing drawing = new Drawing.Noise(generation, count, null, theSeed);
    try (State state = new State(device)) {
      List<Slot> slots = drawing.slots();
      slots.forEach(state::add);
      Checkpoint loaded = checkpoint.load(folder, state, slots);
      try (Drawing.Open open = drawing.open(state, form, () -> Images.of(manifest, null))) {
        JsonObject facts = new JsonObject();
        facts.addProperty("variant", manifest.value("variant"));
        facts.addProperty("iteration", loaded.iteration());
        facts.addProperty("seed", theSeed);
        MemorySegment samples = open.draw(arena).samples();
        return new Subject(
            folder.path() + ", iteration " + loaded.iteration(),
            facts,
            form instanceof Size ? Pictures.toBytes(samples, arena) : samples,
            classesInTurn(generation, count),
            folder.path().resolve("evaluation-" + loaded.iteration() + ".json"));
      }
    }
  }

  /** The classes that samples are drawn for where there are some: they take turns. */
  static Optional<int[]> classesInTurn(Generation generation, int count) {
    if (generation.classes() == 0) {
      return Optional.empty();
    }
    int[] classes = new int[count];
    Arrays.setAll(classes, i -> (int) (i % generation.classes()));
    return Optional.of(classes);
  }

  /** The images of an IDX file, the first {@code count} at most. */
  static Subject ofIdx(Path file, Size size, int count, Arena arena) throws IOException {
    Idx idx = Idx.read(file, size.channels() == 1 ? 3 : 4, arena);
    long[] dims = idx.dims();
    long[] expected =
        size.channels() == 1
            ? new long[] {dims[0], size.height(), size.width()}
            : new long[] {dims[0], size.channels(), size.height(), size.width()};
    if (!Arrays.equals(dims, expected)) {
      throw new FormatException(
          file,
          "its shape is "
              + Arrays.toString(dims)
              + "; images like those of the data are "
              + Arrays.toString(expected));
    }
    return ofFile(file, idx.data(), size, dims[0], count);
  }

  /** The pictures of a folder, brought to the data's size, the first {@code count} at most. */
  static Subject ofPictures(Path folder, Size size, int count, PrintStream messages)
      throws IOException {
    DataSets.Options options =
        DataSets.Options.defaults()
            .withImages(size.channels(), size.height(), size.width())
            .withMessages(messages);
    if (!(DataSets.open(folder.toString(), options) instanceof ImageSet set)) {
      throw new IllegalArgumentException(folder + " has no images");
    }
    return ofFile(folder, set.images(), size, set.count(), count);
  }

  private static Subject ofFile(Path file, MemorySegment images, Size size, long there, int count) {
    JsonObject facts = new JsonObject();
    Path name = file.toAbsolutePath().normalize().getFileName();
    facts.addProperty("file", name.toString());
    return new Subject(
        file.toString(),
        facts,
        images.asSlice(0, Math.min(there, count) * size.numbers()),
        Optional.empty(),
        file.toAbsolutePath().normalize().resolveSibling(name + ".evaluation.json"));
  }
}
