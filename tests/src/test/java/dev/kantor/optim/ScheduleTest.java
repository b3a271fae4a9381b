package dev.kantor.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Graph;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Linear;
import dev.kantor.tensor.Device;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A learning rate that falls, seen in what plain descent does with a gradient of one. */
class ScheduleTest {
  private static final double RATE = 0.5;
  private static final double EPOCHS = 2;
  private static final double END = 0.1;
  private static final int LENGTH = 5;

  private static final Optimizer.Sgd RULE = new Optimizer.Sgd(RATE, 0);

  private static Graph descent(Optimizer.Bound bound, Linear layer, Slot counter, boolean epochs) {
    return Trace.of(
        t -> {
          if (epochs) {
            t.epochs(counter, LENGTH);
          }
          bound.update(t, List.of(Ops.full(1, 1, 1), Ops.full(1, 1)));
          t.increment(counter, 1);
        });
  }

  private static double expected(Trace.Fall fall, int iteration) {
    double u = Math.min(1, iteration / (EPOCHS * LENGTH));
    double left = fall == Trace.Fall.LINEAR ? 1 - u : (1 + Math.cos(Math.PI * u)) / 2;
    return RATE * (END + (1 - END) * left);
  }

  @ParameterizedTest
  @EnumSource(Trace.Fall.class)
  void eachUpdateHasItsRateAlsoAfterARestart(Trace.Fall fall) {
    Linear layer = Linear.of("l", 1, 1, Initialisation.FRAMEWORK);
    Slot counter = Slot.counter("iteration");
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      layer.parameters().forEach(p -> state.add(p.slot()));
      state.add(counter);
      Optimizer.Bound bound =
          new Optimizer.Scheduled(RULE, fall, EPOCHS, END)
              .bind("o", state, layer.parameters(), Optimizer.Around.NOTHING);
      try (Program program = Program.compile(descent(bound, layer, counter, true), state)) {
        double before = state.doubles(layer.weight().slot())[0];
        for (int i = 0; i < 13; i++) {
          program.run(1);
          double after = state.doubles(layer.weight().slot())[0];
          assertEquals(expected(fall, i), before - after, 1e-6, "iteration " + i);
          before = after;
        }
        // The rate is that of the iteration in the state, whatever ran before.
        state.set(counter, 3L);
        program.run(1);
        double after = state.doubles(layer.weight().slot())[0];
        assertEquals(expected(fall, 3), before - after, 1e-6);
      }
    }
  }

  @Test
  void anAverageSoonForgetsTheBeginning() {
    Linear layer = Linear.of("l", 1, 1, Initialisation.FRAMEWORK);
    Slot counter = Slot.counter("iteration");
    double most = 0.4;
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      layer.parameters().forEach(p -> state.add(p.slot()));
      state.add(counter);
      Optimizer.Bound bound =
          RULE.bind("o", state, layer.parameters(), new Optimizer.Around(0, most));
      Slot weight = layer.weight().slot();
      Slot average = new Slot(weight.name() + ".ema", weight.dtype(), weight.shape());
      try (Program program = Program.compile(descent(bound, layer, counter, true), state)) {
        double expected = state.doubles(average)[0];
        double before = state.doubles(weight)[0];
        for (int n = 0; n < 8; n++) {
          program.run(1);
          double after = state.doubles(weight)[0];
          assertEquals(RATE, before - after, 1e-6, "the rate is constant");
          double decay = Math.min(most, (1.0 + n) / (10 + n));
          expected = decay * expected + (1 - decay) * after;
          assertEquals(expected, state.doubles(average)[0], 1e-5, "iteration " + n);
          before = after;
        }
      }
    }
  }

  @Test
  void whatItNeedsIsNamed() {
    Linear layer = Linear.of("l", 1, 1, Initialisation.FRAMEWORK);
    Slot counter = Slot.counter("iteration");
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      layer.parameters().forEach(p -> state.add(p.slot()));
      Optimizer.Bound bound =
          new Optimizer.Scheduled(RULE, Trace.Fall.COSINE, EPOCHS, END)
              .bind("o", state, layer.parameters(), Optimizer.Around.NOTHING);
      String message =
          assertThrows(IllegalStateException.class, () -> descent(bound, layer, counter, false))
              .getMessage();
      assertTrue(message.contains("Trace.epochs"), message);
    }
    for (double bad : new double[] {0, -1, Double.NaN}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new Optimizer.Scheduled(RULE, Trace.Fall.LINEAR, bad, 0));
    }
    for (double bad : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new Optimizer.Scheduled(RULE, Trace.Fall.LINEAR, 1, bad));
    }
  }
}
