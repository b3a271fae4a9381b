package dev.kantor.gan;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.nn.Module;
import dev.kantor.nn.Pass;

/** What a trained critic says of samples. */
public final class Scores implements AutoCloseable {
  private static final int ROWS = 500;

  private final State state;
  private final Slot samples;
  private final Slot scores;
  private final Program program;
  private final int features;

  /**
   * @param critic [rows, features] to scores [rows, 1]
   * @param trained holds the critic's tensors
   */
  public Scores(Module critic, State trained, int features) {
    this.features = features;
    state = trained.child();
    samples = state.add(Slot.f32("scores.samples", ROWS, features));
    scores = state.add(Slot.f32("scores.scores", ROWS, 1));
    program =
        Program.compile(
            Trace.of(t -> t.write(scores, critic.forward(Pass.evaluation(t), t.read(samples)))),
            state);
  }

  /**
   * The critic's scores, before any sigmoid.
   *
   * @param values [count, features], in the range that the critic was trained on
   * @return [count]
   * @throws IllegalArgumentException if that is no whole number of samples
   */
  public double[] of(float[] values) {
    if (values.length % features != 0) {
      throw new IllegalArgumentException(
          values.length + " numbers are not samples of " + features + " numbers");
    }
    double[] all = new double[values.length / features];
    float[] batch = new float[ROWS * features];
    for (int row = 0; row < all.length; row += ROWS) {
      int rows = Math.min(ROWS, all.length - row);
      System.arraycopy(values, row * features, batch, 0, rows * features);
      state.set(samples, batch);
      program.run(1);
      float[] of = state.floats(scores);
      for (int i = 0; i < rows; i++) {
        all[row + i] = of[i];
      }
    }
    return all;
  }

  @Override
  public void close() {
    program.close();
    state.close();
  }
}
