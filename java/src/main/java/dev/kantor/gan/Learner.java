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
import java.util.List;

/** A model in training on a device: its state, and the program of an iteration. */
public final class Learner implements AutoCloseable {
  private static final int RING_ROWS = 4096;

  private final Job job;

  /**
   * A new model with parameters drawn from the seed.
   *
   * @param state gets the slots; the caller closes it after this
   * @throws IllegalArgumentException if the data do not suit the model: fewer samples than a batch,
   *     not the labels that it learns from, or numbers of another kind
   */
  public Learner(Model model, State state, Samples samples, long seed, Program.Options options) {
    long count = samples.count();
    long batch = model.batchSize();
    if (batch > count) {
      throw new IllegalArgumentException(
          "a batch of " + batch + " does not fit " + count + " samples; set a smaller batch-size");
    }
    if (model.classes() > 0 && samples.classes() != model.classes()) {
      throw new IllegalArgumentException(
          "the model learns from labels of "
              + model.classes()
              + " classes, the data have "
              + (samples.classes() == 0 ? "no labels" : samples.classes() + " classes")
              + (samples.classes() == 0
                  ? "; train on a set with labels: mnist, fashion-mnist, glyphs, or a folder with"
                      + " a sub-folder for each class"
                  : "; set classes=" + samples.classes()));
    }
    Slot data =
        state.addMapped(
            new Slot("data.samples", samples.type(), Shape.of(count, samples.features())),
            samples.data());
    Slot labels =
        model.classes() == 0
            ? null
            : state.addMapped(
                new Slot("data.labels", DType.I32, Shape.of(count, 1)),
                samples.labels().orElseThrow());
    Slot seedSlot = state.add(Slot.counter("seed"));
    state.set(seedSlot, seed);
    Slot counter = state.add(Slot.counter("iteration"));
    Slot fault = state.add(new Slot("fault", DType.I64, Shape.of(4)));
    Model.Bound updates = model.bind(state);
    Slot ring = state.add(Slot.f32("metrics", RING_ROWS, updates.metrics().size()));
    try (Program initial =
        Program.compile(Trace.of(t -> updates.traceInitial(t, seedSlot, counter)), state)) {
      initial.run(1);
    }
    int batches = model.batchesPerIteration();
    long iterationsPerEpoch = Math.max(1, count / batch / batches);
    Graph iteration =
        Trace.of(
            t -> {
              t.faultSlot(fault);
              t.layersDrawFrom(new Trace.Clock(seedSlot, counter, 1, 0));
              t.epochs(counter, iterationsPerEpoch);
              List<Value> metrics =
                  updates.traceIteration(
                      t,
                      new Batches(
                          t, data, labels, model.classes(), seedSlot, counter, batch, batches),
                      counter);
              t.ringWrite(ring, counter, metrics);
              t.increment(counter, 1);
            });
    job =
        new Job(
            state,
            Program.compile(iteration, state, options),
            counter,
            fault,
            ring,
            updates.metrics(),
            updates.parameters().stream().map(p -> "the gradient of " + p.slot().name()).toList(),
            iterationsPerEpoch,
            batch * batches);
  }

  /** What a training loop replays. */
  public Job job() {
    return job;
  }

  @Override
  public void close() {
    job.iteration().close();
  }
}
