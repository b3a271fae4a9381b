package dev.kantor.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Device;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The spectral norm of Miyato et al. 2018, against sums in double precision. */
class SpectralNormTest {
  private static final int OUT = 5;
  private static final int IN = 7;
  private static final int ROWS = 3;

  private final Slot x = Slot.f32("x", ROWS, IN);
  private final Slot y = Slot.f32("y", ROWS, OUT);
  private final Slot direction = Slot.f32("direction", ROWS, OUT);
  private final Slot gradient = Slot.f32("gradient", OUT, IN);
  private final double[] w = random(1, OUT * IN);
  private final double[] xs = random(2, ROWS * IN);
  private final double[] ks = random(3, ROWS * OUT);

  private static double[] random(long seed, int n) {
    return new Random(seed).doubles(n, -1, 1).toArray();
  }

  private Linear open(State state) {
    Linear linear = Linear.of("l", IN, OUT, Initialisation.FRAMEWORK);
    SpectralNorm norm = norm(linear);
    for (Slot s : new Slot[] {x, y, direction, gradient}) {
      state.add(s);
    }
    norm.parameters().forEach(p -> state.add(p.slot()));
    norm.buffers().forEach(p -> state.add(p.slot()));
    state.set(linear.weight().slot(), w);
    state.set(linear.bias().slot(), new double[OUT]);
    state.set(norm.left().slot(), random(4, OUT));
    state.set(x, xs);
    state.set(direction, ks);
    return linear;
  }

  private static SpectralNorm norm(Linear linear) {
    return (SpectralNorm) SpectralNorm.around(Sequential.of(linear)).modules().getFirst();
  }

  @Test
  void theLargestSingularValueBecomesOne() {
    try (Device d = Device.open("reference", 1);
        State state = new State(d, true)) {
      Linear linear = open(state);
      try (Program p =
          Program.compile(
              Trace.of(t -> t.write(y, norm(linear).forward(Pass.training(t), t.read(x)))),
              state)) {
        p.run(200);
      }
      double sigma = sigma();
      double[] actual = state.doubles(y);
      for (int r = 0; r < ROWS; r++) {
        for (int o = 0; o < OUT; o++) {
          double sum = 0;
          for (int i = 0; i < IN; i++) {
            sum += xs[r * IN + i] * w[o * IN + i] / sigma;
          }
          assertEquals(sum, actual[r * OUT + o], 1e-7);
        }
      }
    }
  }

  @Test
  void itsGradientTakesTheSingularVectorsForConstants() {
    try (Device d = Device.open("reference", 1);
        State state = new State(d, true)) {
      Linear linear = open(state);
      SpectralNorm norm = norm(linear);
      Trace.Body body =
          t -> {
            Pass pass = Pass.training(t);
            // Two passes under one update: one step of power iteration, one weight.
            Value once = norm.forward(pass, t.read(x));
            Value twice = norm.forward(pass, t.read(x));
            Value loss = Ops.sum(Ops.mul(t.read(direction), Ops.sub(Ops.scale(once, 2), twice)));
            t.write(y, twice);
            Value wanted = t.read(linear.weight().slot());
            t.write(gradient, Gradients.grad(loss, List.of(wanted)).getFirst());
          };
      double[] u;
      try (Program p = Program.compile(Trace.of(body), state)) {
        u = state.doubles(norm.left().slot());
        p.run(1);
      }
      // v = W'u, u' = Wv, each of length 1; sigma = u'Wv; dL/dW = (G - (G . W / sigma) u v') /
      // sigma.
      double[] v = unit(times(w, u, true));
      double[] next = unit(times(w, v, false));
      double[] stored = state.doubles(norm.left().slot());
      double sigma = 0;
      for (int o = 0; o < OUT; o++) {
        assertEquals(next[o], stored[o], 1e-8);
        for (int i = 0; i < IN; i++) {
          sigma += next[o] * w[o * IN + i] * v[i];
        }
      }
      double[] g = new double[OUT * IN];
      double along = 0;
      for (int o = 0; o < OUT; o++) {
        for (int i = 0; i < IN; i++) {
          for (int r = 0; r < ROWS; r++) {
            g[o * IN + i] += ks[r * OUT + o] * xs[r * IN + i];
          }
          along += g[o * IN + i] * w[o * IN + i] / sigma;
        }
      }
      double[] actual = state.doubles(gradient);
      double largest = 0;
      for (int o = 0; o < OUT; o++) {
        for (int i = 0; i < IN; i++) {
          double expected = (g[o * IN + i] - along * next[o] * v[i]) / sigma;
          assertEquals(expected, actual[o * IN + i], 1e-7);
          largest = Math.max(largest, Math.abs(expected));
        }
      }
      assertTrue(largest > 0.01, "the gradient is something");
    }
  }

  private static double[] times(double[] w, double[] vector, boolean transposed) {
    double[] result = new double[transposed ? IN : OUT];
    for (int o = 0; o < OUT; o++) {
      for (int i = 0; i < IN; i++) {
        result[transposed ? i : o] += w[o * IN + i] * vector[transposed ? o : i];
      }
    }
    return result;
  }

  private static double[] unit(double[] vector) {
    double sum = 0;
    for (double a : vector) {
      sum += a * a;
    }
    double[] result = vector.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] /= Math.sqrt(sum);
    }
    return result;
  }

  /** The largest singular value of w. */
  private double sigma() {
    double[] u = unit(random(5, OUT));
    double[] v = unit(times(w, u, true));
    for (int i = 0; i < 1000; i++) {
      u = unit(times(w, v, false));
      v = unit(times(w, u, true));
    }
    double sum = 0;
    for (double a : times(w, v, false)) {
      sum += a * a;
    }
    return Math.sqrt(sum);
  }
}
