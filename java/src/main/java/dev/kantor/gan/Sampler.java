package dev.kantor.gan;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;

/**
 * Draws samples from a generator whose tensors are in a state, without touching the state's
 * training.
 */
public final class Sampler implements AutoCloseable {
  // A range of random streams of its own: drawing samples changes nothing of the training that
  // shares the seed.
  private static final long SAMPLE_STREAMS = 2L << 24;

  private final Generation generation;
  private final State trained;
  private final State state;
  private final Slot seed;
  private final Slot counter;
  private final Slot labels;
  private final Program drawing;
  private final int rows;
  private Slot samples;
  private Slot codes;
  private Program noise;
  private Program decoding;

  /**
   * @param trained holds {@link Generation#slots}
   * @param rows samples in a batch
   */
  public Sampler(Generation generation, State trained, int rows, long seed) {
    this.generation = generation;
    this.trained = trained;
    this.rows = rows;
    state = trained.child();
    this.seed = state.add(new Slot("sampler.seed", DType.I64, Shape.of(1)));
    state.set(this.seed, seed);
    counter = state.add(Slot.counter("sampler.counter"));
    labels = state.add(new Slot("sampler.labels", DType.I32, Shape.of(rows)));
    drawing = compile(this::noise);
  }

  private Value noise(Trace t) {
    t.streamsFrom(SAMPLE_STREAMS);
    return t.normal(new Trace.Clock(seed, counter, 1, 0), rows, generation.latent());
  }

  private Value draw(Trace t, Value z) {
    if (generation.averaged()) {
      for (Parameter p : generation.tensors()) {
        t.substitute(p.slot(), t.read(Tensors.average(p)));
      }
    }
    return generation.draw(Pass.evaluation(t), z, t.read(labels));
  }

  private Program compile(Function<Trace, Value> code) {
    return Program.compile(
        Trace.of(
            t -> {
              Value x = draw(t, code.apply(t));
              if (samples == null) {
                samples = state.add(new Slot("sampler.samples", x.dtype(), x.shape()));
              }
              t.write(samples, x);
              t.increment(counter, 1);
            }),
        state);
  }

  /** Samples in a batch. */
  public int rows() {
    return rows;
  }

  /**
   * Batch number {@code index}, row-major [rows, features], as {@link Generation} draws them: the
   * same for the same seed, index, classes and tensors.
   *
   * @param classOf the class of each row; not asked without classes
   * @throws IllegalArgumentException if there is no such class
   */
  public float[] batch(long index, IntUnaryOperator classOf) {
    setLabels(classOf);
    state.set(counter, index);
    drawing.run(1);
    return state.floats(samples);
  }

  /** Batch number {@code index}; where there are classes, they take turns. */
  public float[] batch(long index) {
    return batch(index, row -> (int) ((index * rows + row) % Math.max(1, generation.classes())));
  }

  /** The noise [rows, latent] that batch number {@code index} is drawn from. */
  public float[] codes(long index) {
    openCodes();
    state.set(counter, index);
    noise.run(1);
    return state.floats(codes);
  }

  /**
   * The samples of given noise, as {@link #batch} gives them.
   *
   * @param code [rows, latent]
   */
  public float[] decode(float[] code, IntUnaryOperator classOf) {
    openCodes();
    setLabels(classOf);
    state.set(codes, code);
    decoding.run(1);
    return state.floats(samples);
  }

  private void openCodes() {
    if (codes == null) {
      codes = state.add(Slot.f32("sampler.codes", rows, generation.latent()));
      noise = Program.compile(Trace.of(t -> t.write(codes, noise(t))), state);
      decoding = compile(t -> t.read(codes));
    }
  }

  private void setLabels(IntUnaryOperator classOf) {
    if (generation.classes() == 0) {
      return;
    }
    int[] values = new int[rows];
    for (int row = 0; row < rows; row++) {
      values[row] = classOf.applyAsInt(row);
      if (values[row] < 0 || values[row] >= generation.classes()) {
        throw new IllegalArgumentException(
            "there is no class " + values[row] + "; there are 0 to " + (generation.classes() - 1));
      }
    }
    state.setInts(labels, values);
  }

  /** Draws {@code batches} batches and keeps the last; for measuring. */
  public void replay(long batches) {
    drawing.run(batches);
  }

  @Override
  public void close() {
    drawing.close();
    if (noise != null) {
      noise.close();
      decoding.close();
    }
    state.close();
  }
}
