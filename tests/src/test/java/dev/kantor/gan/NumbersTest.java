package dev.kantor.gan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Linear;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.lang.foreign.Arena;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Models of samples that are numbers, not images. */
class NumbersTest {
  private static final int COUNT = 64;

  @Test
  void bytesAndNumbersAreNotTakenForEachOther() {
    Settings s = Variant.of("gan").settings();
    assertRefuses(s, Shape.of(2), DType.U8, "numbers as they are, but the data are bytes");
    assertRefuses(s, Shape.of(1, 1, 2), DType.F32, "bytes of images, but the data are numbers");
    assertThrows(IllegalArgumentException.class, () -> Model.of(s, Shape.of(2, 2)));
  }

  private static void assertRefuses(Settings s, Shape sample, DType type, String message) {
    try (Arena arena = Arena.ofConfined();
        Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      Samples samples =
          new Samples(
              arena.allocate(2L * COUNT * type.bytes(), 64), type, Optional.empty(), COUNT, 0);
      assertEquals(2, samples.features());
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Learner(Model.of(s, sample), state, samples, 1, Program.Options.DEFAULT));
      assertTrue(e.getMessage().contains(message), e.getMessage());
    }
  }

  @Test
  void scoresAreTheCritics() {
    Linear critic = Linear.of("critic", 2, 1, Initialisation.FRAMEWORK);
    try (Device device = Device.open("cpu", 2);
        State state = new State(device)) {
      critic.parameters().forEach(p -> state.add(p.slot()));
      state.set(critic.weight().slot(), new float[] {2, -3});
      state.set(critic.bias().slot(), new float[] {0.5f});
      float[] points = new float[2 * 1203];
      for (int i = 0; i < points.length; i++) {
        points[i] = i % 37 - 18;
      }
      try (Scores scores = new Scores(critic, state, 2)) {
        double[] found = scores.of(points);
        assertEquals(1203, found.length);
        for (int i = 0; i < found.length; i++) {
          assertEquals(2 * points[2 * i] - 3 * points[2 * i + 1] + 0.5, found[i], 1e-4);
        }
        assertThrows(IllegalArgumentException.class, () -> scores.of(new float[3]));
      }
    }
  }
}
