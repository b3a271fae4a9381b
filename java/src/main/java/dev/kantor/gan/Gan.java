package dev.kantor.gan;

import dev.kantor.graph.Graph;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import dev.kantor.train.Job;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A generator and a critic in training on a device: their state, and the program of an iteration,
 * which is {@code criticSteps} updates of the critic, each on a fresh batch and fresh noise, then
 * one of the generator on fresh noise.
 */
public final class Gan implements AutoCloseable {
  private static final int RING_ROWS = 4096;

  private final Job job;

  /**
   * A new GAN with parameters drawn from the seed.
   *
   * @param state gets the slots; the caller closes it after this
   * @param images u8 samples [count, features], row-major, off-heap; they must outlive the state
   * @throws IllegalArgumentException if the batch is larger than the data
   */
  public Gan(
      Design design,
      State state,
      MemorySegment images,
      long count,
      long seed,
      Program.Options options) {
    long features = images.byteSize() / count;
    long batch = design.batchSize();
    if (batch > count) {
      throw new IllegalArgumentException(
          "a batch of " + batch + " does not fit " + count + " samples; set a smaller batch-size");
    }
    Slot data =
        state.addMapped(new Slot("data.images", DType.U8, Shape.of(count, features)), images);
    Slot seedSlot = state.add(Slot.counter("seed"));
    state.set(seedSlot, seed);
    Slot counter = state.add(Slot.counter("iteration"));
    Slot fault = state.add(new Slot("fault", DType.I64, Shape.of(4)));
    Slot ring = state.add(Slot.f32("metrics", RING_ROWS, Updates.METRICS.size()));
    Updates updates = new Updates(design, state);
    try (Program initial =
        Program.compile(Trace.of(t -> updates.traceInitial(t, seedSlot, counter)), state)) {
      initial.run(1);
    }
    Graph iteration =
        Trace.of(
            t -> {
              t.faultSlot(fault);
              List<Value> metrics =
                  updates.traceIteration(
                      t, new DataInputs(t, design, data, seedSlot, counter), counter);
              t.ringWrite(ring, counter, metrics);
              t.increment(counter, 1);
            });
    List<String> tensors =
        updates.parameters().stream().map(p -> "the gradient of " + p.slot().name()).toList();
    long perEpoch = Math.max(1, count / batch / design.criticSteps());
    job =
        new Job(
            state,
            Program.compile(iteration, state, options),
            counter,
            fault,
            ring,
            Updates.METRICS,
            new ArrayList<>(tensors),
            perEpoch,
            batch * design.criticSteps());
  }

  /** What a training loop replays. */
  public Job job() {
    return job;
  }

  /** Batches of a data set in shuffled epochs, and noise of the iteration's number. */
  private record DataInputs(Trace trace, Design design, Slot data, Slot seed, Slot counter)
      implements Inputs {
    // Bytes 0 .. 255 become [-1, 1], the range of the generator's tanh.
    private static final double SCALE = 2.0 / 255;
    private static final double SHIFT = -1;

    private Trace.Clock clock(int criticStep) {
      return new Trace.Clock(seed, counter, design.criticSteps(), criticStep);
    }

    @Override
    public Value real(int criticStep) {
      Value indices =
          trace.batchIndices(clock(criticStep), design.batchSize(), data.shape().dim(0));
      return trace.gather(data, indices, SCALE, SHIFT);
    }

    @Override
    public Value criticNoise(int criticStep) {
      return trace.normal(clock(criticStep), design.batchSize(), design.latent());
    }

    @Override
    public Value alpha(int criticStep) {
      return trace.uniform(clock(criticStep), 0, 1, design.batchSize(), 1);
    }

    @Override
    public Value generatorNoise() {
      return trace.normal(
          new Trace.Clock(seed, counter, 1, 0), design.batchSize(), design.latent());
    }
  }

  @Override
  public void close() {
    job.iteration().close();
  }
}
