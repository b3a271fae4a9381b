package dev.kantor.gan;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** What a trained autoencoder makes of images: the decoding of the mean of each one's code. */
public final class Reconstruction implements AutoCloseable {
  private static final int BYTE = 0xff;

  private final State state;
  private final Slot images;
  private final Slot labels;
  private final Slot result;
  private final Program program;
  private final int rows;

  /**
   * @param trained holds {@link #slots}
   * @param rows images at a time
   * @param features numbers in an image
   */
  public Reconstruction(CvaeGan model, State trained, int rows, int features) {
    this.rows = rows;
    state = trained.child();
    images = state.add(Slot.f32("reconstruction.images", rows, features));
    labels = state.add(new Slot("reconstruction.labels", DType.I32, Shape.of(rows)));
    result = state.add(Slot.f32("reconstruction.result", rows, features));
    Generation generation = model.generation().orElseThrow();
    program =
        Program.compile(
            Trace.of(
                t -> {
                  Pass pass = Pass.evaluation(t);
                  Value code = model.encoder().encode(pass, t.read(images)).mean();
                  if (generation.averaged()) {
                    generation
                        .tensors()
                        .forEach(p -> t.substitute(p.slot(), t.read(Tensors.average(p))));
                  }
                  t.write(result, generation.draw(pass, code, t.read(labels)));
                }),
            state);
  }

  /** The slots that reconstructing reads. */
  public static List<Slot> slots(CvaeGan model) {
    List<Slot> all = new ArrayList<>(model.generation().orElseThrow().slots());
    for (Module part : model.encoder().parts()) {
      part.parameters().stream().map(Parameter::slot).forEach(all::add);
      part.buffers().stream().map(Parameter::slot).forEach(all::add);
    }
    return all;
  }

  /**
   * The reconstructions [count, features], in [-1, 1], of the first images.
   *
   * @param count at most {@code rows}
   * @throws IllegalArgumentException if there are not so many samples, or they have no labels
   */
  public float[] first(Samples samples, int count) {
    MemorySegment classes =
        samples
            .labels()
            .orElseThrow(() -> new IllegalArgumentException("the samples have no labels"));
    if (count > rows || count > samples.count()) {
      throw new IllegalArgumentException(
          count + " images of " + samples.count() + ", " + rows + " at a time");
    }
    int features = Math.toIntExact(samples.features());
    float[] in = new float[rows * features];
    for (int i = 0; i < count * features; i++) {
      int pixel = samples.data().get(ValueLayout.JAVA_BYTE, i) & BYTE;
      in[i] = (float) (pixel * Generation.Range.UNIT.scale());
    }
    int[] of = new int[rows];
    for (int i = 0; i < count; i++) {
      of[i] = classes.getAtIndex(ValueLayout.JAVA_INT, i);
    }
    state.set(images, in);
    state.setInts(labels, of);
    program.run(1);
    float[] out = new float[count * features];
    System.arraycopy(state.floats(result), 0, out, 0, out.length);
    return out;
  }

  @Override
  public void close() {
    program.close();
    state.close();
  }
}
