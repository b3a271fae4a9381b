package dev.kantor.cli;

import dev.kantor.gan.Generation;
import dev.kantor.gan.Sampler;
import dev.kantor.graph.State;
import dev.kantor.metrics.ClassHistogram;
import dev.kantor.metrics.CollapseAlarm;
import dev.kantor.metrics.Evaluation;
import dev.kantor.metrics.Yardstick;
import dev.kantor.train.Evaluated;
import dev.kantor.train.Training;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Evaluates a model while it learns: the same samples, of the same noise, as {@code kantor
 * evaluate} takes of its checkpoint.
 */
final class Examination implements AutoCloseable {
  private final Generation generation;
  private final Form form;
  private final int count;
  private final Yardstick yardstick;
  private final Sampler sampler;

  /**
   * @param state holds the generation's slots
   * @param count samples to evaluate
   * @param yardstick is not closed with this
   */
  Examination(
      Generation generation, State state, Form form, int count, long seed, Yardstick yardstick) {
    this.generation = generation;
    this.form = form;
    this.count = count;
    this.yardstick = yardstick;
    sampler = new Sampler(generation, state, Pictures.BATCH, seed);
  }

  /** What samples are worth now, and whether the model has collapsed since. */
  Training.Finding evaluate(List<Evaluated> before) {
    Evaluation now;
    try (Arena arena = Arena.ofConfined()) {
      long classes = Math.max(1, generation.classes());
      MemorySegment drawn = Pictures.draw(sampler, form, count, i -> (int) (i % classes), arena);
      now =
          yardstick.evaluate(
              form instanceof Pictures.Size ? Pictures.toBytes(drawn, arena) : drawn,
              Subject.classesInTurn(generation, count));
    }
    List<ClassHistogram> histograms =
        before.stream().map(Evaluated::histogram).map(ClassHistogram::new).toList();
    return new Training.Finding(Verdict.json(now, yardstick), CollapseAlarm.of(histograms, now));
  }

  @Override
  public void close() {
    sampler.close();
  }
}
