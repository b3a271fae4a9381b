package dev.kantor.gan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.nativelib.Status;
import dev.kantor.nn.Activation;
import dev.kantor.nn.AvgPool2d;
import dev.kantor.nn.BatchNorm;
import dev.kantor.nn.Conv2d;
import dev.kantor.nn.ConvTranspose2d;
import dev.kantor.nn.Dropout;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.InstanceNorm2d;
import dev.kantor.nn.Linear;
import dev.kantor.nn.MaxPool2d;
import dev.kantor.nn.Module;
import dev.kantor.nn.Sequential;
import dev.kantor.nn.Upsample;
import dev.kantor.nn.View;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The gradient penalty through a smooth critic of every kind of layer that no variant has, against
 * a generator that up-samples: the same whatever the passes and threads.
 */
class OwnNetworksTest {
  private static final Initialisation INIT = Initialisation.FRAMEWORK;

  private static Design design(double dropout) {
    Module generator =
        Sequential.of(
            Linear.of("generator.0", 6, 4 * 2 * 2, INIT),
            View.of(4, 2, 2),
            new Upsample(2),
            ConvTranspose2d.of("generator.3", 4, 3, 4, 2, 1, 0, INIT),
            InstanceNorm2d.of("generator.4", 3),
            Activation.SILU,
            Conv2d.of("generator.6", 3, 1, 3, 1, 1, INIT),
            Activation.TANH,
            View.of(64));
    Module critic =
        Sequential.of(
            View.of(1, 8, 8),
            Conv2d.of("critic.1", 1, 5, 3, 1, 1, INIT),
            InstanceNorm2d.of("critic.2", 5),
            Activation.SOFTPLUS,
            new AvgPool2d(2),
            new Dropout(dropout),
            Conv2d.of("critic.6", 5, 6, 3, 1, 1, INIT),
            BatchNorm.of("critic.7", 6),
            Activation.TANH,
            new MaxPool2d(2, 2),
            View.of(6 * 2 * 2),
            new Dropout(dropout),
            Linear.of("critic.12", 6 * 2 * 2, 1, INIT));
    // The plain descent: dividing a gradient that is zero but for rounding by its own size, as the
    // adaptive ones do with biases before a norm, would show nothing but rounding.
    Optimizer sgd = new Optimizer.Sgd(0.05, 0);
    return new Design(
        generator,
        critic,
        new Objective.Wasserstein(),
        new Regulariser.GradientPenalty(10, false),
        sgd,
        sgd,
        0,
        0.9,
        2,
        8,
        6);
  }

  private static Map<String, double[]> train(
      double dropout, String device, int threads, Program.Options options, int... chunks) {
    try (Arena arena = Arena.ofConfined();
        Device d = Device.open(device, threads);
        State state = new State(d, device.equals("reference"));
        Learner learner =
            new Learner(design(dropout), state, Samples.of(noise(arena), 64), 3, options)) {
      for (int n : chunks) {
        assertEquals(Status.OK, learner.job().iteration().run(n).status());
      }
      Map<String, double[]> result = new LinkedHashMap<>();
      for (Slot slot : state.slots()) {
        if (slot.dtype().isFloating()) {
          result.put(slot.name(), state.doubles(slot));
        }
      }
      return result;
    }
  }

  private static MemorySegment noise(Arena arena) {
    MemorySegment images = arena.allocate(64 * 64, 64);
    Random random = new Random(1);
    for (long i = 0; i < images.byteSize(); i++) {
      images.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(256));
    }
    return images;
  }

  @Test
  void threadsAndChunksChangeNothing() {
    Map<String, double[]> one = train(0.25, "cpu", 1, Program.Options.DEFAULT, 5);
    Map<String, double[]> three = train(0.25, "cpu", 3, Program.Options.DEFAULT, 1, 4);
    assertEquals(one.keySet(), three.keySet());
    one.forEach((name, values) -> assertArrayEquals(values, three.get(name), name));
  }

  @Test
  void passesKeepTheResults() {
    Map<String, double[]> plain = train(0.25, "reference", 1, new Program.Options(false, false), 3);
    Map<String, Map<String, double[]>> others =
        Map.of(
            "merged", train(0.25, "reference", 1, new Program.Options(true, false), 3),
            "fused", train(0.25, "reference", 1, new Program.Options(false, true), 3),
            "all", train(0.25, "reference", 1, Program.Options.DEFAULT, 3),
            "in float", train(0.25, "cpu", 2, Program.Options.DEFAULT, 3));
    others.forEach(
        (label, got) ->
            plain.forEach(
                (name, expected) -> {
                  double difference = 0;
                  double norm = 0;
                  for (int i = 0; i < expected.length; i++) {
                    difference += Math.pow(expected[i] - got.get(name)[i], 2);
                    norm += expected[i] * expected[i];
                  }
                  double error = Math.sqrt(difference);
                  double bound =
                      label.equals("in float")
                          ? 2e-4 * Math.sqrt(norm) + 1e-6
                          : 1e-6 * Math.sqrt(norm) + 1e-12;
                  assertTrue(
                      error <= bound,
                      () -> label + ": " + name + " differs by " + error + ", bound " + bound);
                }));
  }

  @Test
  void everyParameterLearnsAndDropoutTakesPart() {
    Map<String, double[]> before = train(0.25, "cpu", 1, Program.Options.DEFAULT);
    Map<String, double[]> after = train(0.25, "cpu", 1, Program.Options.DEFAULT, 1);
    Map<String, double[]> without = train(0, "cpu", 1, Program.Options.DEFAULT, 1);
    Set<String> weights = new HashSet<>();
    before.forEach(
        (name, values) -> {
          if (name.matches("(critic|generator)\\.\\d+\\.weight")) {
            weights.add(name);
            assertFalse(Arrays.equals(values, after.get(name)), name + " stays");
          }
        });
    assertEquals(9, weights.size(), weights.toString());
    assertFalse(Arrays.equals(after.get("critic.1.weight"), without.get("critic.1.weight")));
  }

  @Test
  void samplesAreDrawnWithoutDropout() {
    // Dropout in the generator: two draws of one batch are the same, and no element is dropped.
    Module generator =
        Sequential.of(Linear.of("generator.0", 6, 64, INIT), new Dropout(0.9), Activation.SIGMOID);
    Design own = design(0);
    Design design =
        new Design(
            generator,
            own.critic(),
            own.objective(),
            own.regulariser(),
            own.generatorOptimizer(),
            own.criticOptimizer(),
            0,
            0,
            1,
            8,
            6);
    try (Arena arena = Arena.ofConfined();
        Device d = Device.open("cpu", 1);
        State state = new State(d);
        Learner learner =
            new Learner(design, state, Samples.of(noise(arena), 64), 3, Program.Options.DEFAULT)) {
      assertEquals(Status.OK, learner.job().iteration().run(1).status());
      try (Sampler sampler = new Sampler(design.generation().orElseThrow(), state, 16, 5)) {
        float[] once = sampler.batch(0);
        assertArrayEquals(once, sampler.batch(0));
        Set<Float> values = new HashSet<>();
        for (float v : once) {
          values.add(v);
        }
        assertTrue(values.size() > once.length / 2, "half the elements are the same number");
      }
    }
  }
}
