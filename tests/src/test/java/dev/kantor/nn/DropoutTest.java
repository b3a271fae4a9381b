package dev.kantor.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Device;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class DropoutTest {
  private static final int ROWS = 200;
  private static final int COLUMNS = 50;
  private static final double RATE = 0.3;

  /** What two layers in a row made of ones, each alone, and the gradient of the first's sum. */
  private record Outcome(float[] first, float[] second, float[] gradient) {}

  private static Outcome run(int threads, long seed, long iterations, boolean training) {
    Slot clock = Slot.counter("counter");
    Slot key = Slot.counter("seed");
    List<Slot> out =
        List.of(
            Slot.f32("first", ROWS, COLUMNS),
            Slot.f32("second", ROWS, COLUMNS),
            Slot.f32("gradient", ROWS, COLUMNS));
    try (Device device = Device.open("cpu", threads);
        State state = new State(device)) {
      out.forEach(state::add);
      state.set(state.add(key), seed);
      state.add(clock);
      Dropout dropout = new Dropout(RATE);
      var graph =
          Trace.of(
              t -> {
                t.layersDrawFrom(new Trace.Clock(key, clock, 1, 0));
                Pass pass = training ? Pass.training(t) : Pass.evaluation(t);
                Value x = Ops.full(1, ROWS, COLUMNS);
                Value from = Ops.shift(t.read(out.get(0)), 0);
                Value first = dropout.forward(pass, from);
                t.write(
                    out.get(2),
                    Gradients.grad(List.of(Ops.sum(first)), List.of(from), null, true, true)
                        .getFirst());
                t.write(out.get(0), dropout.forward(pass, x));
                t.write(out.get(1), dropout.forward(pass, x));
                t.increment(clock, 1);
              });
      try (Program program = Program.compile(graph, state)) {
        program.run(iterations);
      }
      return new Outcome(
          state.floats(out.get(0)), state.floats(out.get(1)), state.floats(out.get(2)));
    }
  }

  private static double share(float[] values, float value) {
    int n = 0;
    for (float v : values) {
      n += v == value ? 1 : 0;
    }
    return (double) n / values.length;
  }

  @Test
  void aTrainingPassDropsAShareAndScalesTheRest() {
    Outcome o = run(1, 7, 1, true);
    float kept = (float) (1 / (1 - RATE));
    for (float[] values : List.of(o.first, o.second, o.gradient)) {
      double dropped = share(values, 0);
      assertEquals(1, dropped + share(values, kept), 1e-12, "only 0 and 1 / (1 - rate)");
      // Five standard deviations of a share of so many.
      double deviation = Math.sqrt(RATE * (1 - RATE) / values.length);
      assertEquals(RATE, dropped, 5 * deviation);
    }
  }

  @Test
  void everyLayerIterationAndSeedDropsOthers() {
    Outcome o = run(1, 7, 1, true);
    assertFalse(Arrays.equals(o.first, o.second), "two layers");
    assertFalse(Arrays.equals(o.first, run(1, 7, 2, true).first), "two iterations");
    assertFalse(Arrays.equals(o.first, run(1, 8, 1, true).first), "two seeds");
  }

  @Test
  void theNumberOfThreadsChangesNothing() {
    assertArrayEquals(run(1, 7, 3, true).first, run(3, 7, 3, true).first);
  }

  @Test
  void anEvaluationPassDropsNothing() {
    assertEquals(1, share(run(1, 7, 1, false).first, 1));
  }

  @Test
  void whatItNeedsIsNamed() {
    for (double rate : new double[] {-0.1, 1, Double.NaN}) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> new Dropout(rate))
              .getMessage()
              .contains("[0, 1)"));
    }
    var e =
        assertThrows(
            IllegalStateException.class,
            () ->
                Trace.of(
                    t -> new Dropout(0.5).forward(Pass.training(t), Ops.full(1, ROWS, COLUMNS))));
    assertTrue(e.getMessage().contains("layersDrawFrom"), e.getMessage());
  }
}
