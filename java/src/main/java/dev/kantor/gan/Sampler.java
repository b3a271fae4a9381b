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
import java.util.ArrayList;
import java.util.List;

/**
 * Draws samples from a generator whose parameters are in a state, without touching the state's
 * training.
 */
public final class Sampler implements AutoCloseable {
  // A range of random streams of its own: drawing samples changes nothing of the training that
  // shares the seed.
  private static final long SAMPLE_STREAMS = 2L << 24;

  private final State state;
  private final Program program;
  private final Slot counter;
  private final Slot samples;
  private final long rows;

  /**
   * @param trained holds the generator's slots, and those of its moving average if it has one,
   *     which then is drawn from
   * @param rows samples in a batch
   */
  public Sampler(Design design, State trained, long rows, long seed) {
    this.rows = rows;
    state = trained.child();
    Slot seedSlot = state.add(new Slot("sampler.seed", DType.I64, Shape.of(1)));
    state.set(seedSlot, seed);
    counter = state.add(Slot.counter("sampler.counter"));
    Slot[] output = new Slot[1];
    var graph =
        Trace.of(
            t -> {
              t.streamsFrom(SAMPLE_STREAMS);
              for (Parameter p : design.generator().parameters()) {
                if (trained.contains(Updates.average(p).name())) {
                  t.substitute(p.slot(), t.read(Updates.average(p)));
                }
              }
              Value x =
                  design
                      .generator()
                      .forward(
                          Pass.evaluation(t),
                          t.normal(
                              new Trace.Clock(seedSlot, counter, 1, 0), rows, design.latent()));
              output[0] = state.add(new Slot("sampler.samples", x.dtype(), x.shape()));
              t.write(output[0], x);
              t.increment(counter, 1);
            });
    samples = output[0];
    program = Program.compile(graph, state);
  }

  /**
   * The slots that sampling reads: the generator's parameters and buffers, and the moving averages
   * if the design has them.
   */
  public static List<Slot> slots(Design design) {
    List<Slot> slots = new ArrayList<>();
    for (Parameter p : design.generator().parameters()) {
      slots.add(p.slot());
      if (design.ema() > 0) {
        slots.add(Updates.average(p));
      }
    }
    design.generator().buffers().forEach(p -> slots.add(p.slot()));
    return slots;
  }

  /** Samples in a batch. */
  public long rows() {
    return rows;
  }

  /**
   * Batch number {@code index}, row-major [rows, features], in [-1, 1]: the same for the same seed,
   * index and parameters.
   */
  public float[] batch(long index) {
    state.set(counter, index);
    program.run(1);
    return state.floats(samples);
  }

  /** Draws {@code batches} batches and keeps the last; for measuring. */
  public void replay(long batches) {
    program.run(batches);
  }

  @Override
  public void close() {
    program.close();
    state.close();
  }
}
