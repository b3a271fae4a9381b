package dev.kantor.gan;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.nn.Pass;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a trained classifier takes images for. */
public final class Classification implements AutoCloseable {
  private static final int ROWS = 200;
  private static final int BYTE = 0xff;

  private final State state;
  private final Slot images;
  private final Slot chosen;
  private final Program program;
  private final int features;

  /**
   * @param trained holds the network's tensors
   * @param features numbers in an image
   */
  public Classification(Classifier classifier, State trained, int features) {
    this.features = features;
    state = trained.child();
    images = state.add(Slot.f32("classification.images", ROWS, features));
    chosen = state.add(new Slot("classification.chosen", DType.I32, Shape.of(ROWS)));
    program =
        Program.compile(
            Trace.of(
                t ->
                    t.write(
                        chosen,
                        Ops.argmax(
                            classifier.network().forward(Pass.evaluation(t), t.read(images))))),
            state);
  }

  /**
   * The most likely class of each image.
   *
   * @param bytes u8 [count, features]
   */
  public int[] classesOf(MemorySegment bytes) {
    int count = Math.toIntExact(bytes.byteSize() / features);
    int[] all = new int[count];
    float[] batch = new float[ROWS * features];
    for (int row = 0; row < count; row += ROWS) {
      int rows = Math.min(ROWS, count - row);
      long from = (long) row * features;
      for (int i = 0; i < rows * features; i++) {
        int pixel = bytes.get(ValueLayout.JAVA_BYTE, from + i) & BYTE;
        batch[i] = (float) (pixel * Generation.Range.UNIT.scale());
      }
      state.set(images, batch);
      program.run(1);
      System.arraycopy(state.ints(chosen), 0, all, row, rows);
    }
    return all;
  }

  /** The share of images that are taken for what their label says. */
  public double accuracy(Samples samples) {
    int[] classes = classesOf(samples.data());
    MemorySegment labels =
        samples
            .labels()
            .orElseThrow(() -> new IllegalArgumentException("the samples have no labels"));
    int right = 0;
    for (int i = 0; i < classes.length; i++) {
      right += labels.getAtIndex(ValueLayout.JAVA_INT, i) == classes[i] ? 1 : 0;
    }
    return (double) right / classes.length;
  }

  @Override
  public void close() {
    program.close();
    state.close();
  }
}
