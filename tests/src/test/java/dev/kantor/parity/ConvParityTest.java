package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.gan.Design;
import dev.kantor.gan.Variant;
import dev.kantor.parity.Libtorch.Tensor;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training of the convolutional variants from the same weights, noise and batches: Kantor against
 * libtorch in double precision, on fixed draws.
 *
 * <p>Millions of numbers enter a ReLU or a maximum in an iteration, so that rounding always decides
 * some of them (see {@link StepParityTest}), and no run in floats follows the exact one. So floats
 * are held to libtorch's own {@link Gap}. In double precision every tensor agrees after twenty
 * iterations.
 */
class ConvParityTest {
  private static final int ITERATIONS = 20;

  /**
   * In double precision the constants of the program are still rounded to float, and batch norm's
   * gradients are differences.
   */
  private static final double DOUBLE_TOLERANCE = 5e-6;

  private static final double DOUBLE_FLOOR = 0x1p-53;

  /** Biases that feed batch norm, which takes them out again: their gradients are zero. */
  private static final Set<String> WITHOUT_GRADIENT =
      Set.of("generator.4.bias", "generator.7.bias");

  private static final Map<String, String> SMALL =
      Map.of(
          "latent",
          "7",
          "generator-channels",
          "6,5",
          "critic-channels",
          "3,5",
          "critic-dense",
          "19",
          "batch-size",
          "8");

  private static final long SMALL_SIDE = 8;

  @BeforeAll
  static void needsLibtorch() {
    Libtorch.assume();
  }

  /** Gradients, losses and running statistics, at full size. */
  @ParameterizedTest
  @ValueSource(strings = {"dcgan", "wdcgan", "wdcgan-gp"})
  void aFirstIterationIsAsNearAsLibtorch(String variant, TestReporter reporter) throws IOException {
    Design design = design(variant, Map.of("batch-size", "8"), 28);
    List<Map<String, Tensor>> draws = draws(design, 28, 1, 3);
    List<Map<String, double[]>> exact = Runs.oracle(draws, variant, "float64");
    List<Map<String, double[]>> floats = Runs.oracle(draws, variant, "float32");
    for (String name : InstructionSets.here()) {
      List<Map<String, double[]>> ours = new ArrayList<>();
      try (Device device = Device.open(name, 2)) {
        for (Map<String, Tensor> draw : draws) {
          Map<String, double[]> got = Runs.train(design, device, draw);
          // One step's parameters say no more than its gradients, which Adam and RMSprop divide by
          // their own size.
          got.keySet().removeIf(tensor -> !tensor.matches(".*(_loss|_penalty|\\.running_.*)"));
          got.putAll(Runs.firstGradients(design, device, draw));
          got.keySet().removeIf(ConvParityTest::isWithoutGradient);
          ours.add(got);
        }
      }
      Gap.assertNear(variant + ", " + name, ours, floats, exact, reporter);
    }
  }

  /**
   * On small networks, whose losses many draws can be made of; Wasserstein critics with softplus,
   * because of {@link StepParityTest}'s biases without a gradient.
   */
  @ParameterizedTest
  @CsvSource({"dcgan, leaky-relu", "wdcgan, softplus", "wdcgan-gp, softplus"})
  void lossesOfTwentyIterationsAreAsNear(String variant, String activation, TestReporter reporter)
      throws IOException {
    Map<String, String> settings = new HashMap<>(SMALL);
    settings.put("critic-activation", activation);
    Design design = design(variant, settings, SMALL_SIDE);
    List<Map<String, Tensor>> draws = draws(design, SMALL_SIDE, ITERATIONS, 9);
    String[] options = {"--critic-activation", activation};
    List<Map<String, double[]>> exact = Runs.oracle(draws, variant, "float64", options);
    List<Map<String, double[]>> floats = Runs.oracle(draws, variant, "float32", options);
    for (String name : InstructionSets.here()) {
      List<Map<String, double[]>> ours = new ArrayList<>();
      try (Device device = Device.open(name, 2)) {
        for (Map<String, Tensor> draw : draws) {
          Map<String, double[]> got = Runs.train(design, device, draw);
          got.keySet().removeIf(tensor -> !tensor.matches(".*(_loss|_penalty)"));
          ours.add(got);
        }
      }
      Gap.assertNear(variant + ", " + name, ours, floats, exact, reporter);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dcgan", "wdcgan", "wdcgan-gp"})
  void twentyIterationsAgreeInDoublePrecision(String variant, TestReporter reporter)
      throws IOException {
    Design design = design(variant, SMALL, SMALL_SIDE);
    List<Map<String, Tensor>> draws = draws(design, SMALL_SIDE, ITERATIONS, 2);
    List<Map<String, double[]>> exact = Runs.oracle(draws, variant, "float64");
    Differences differences = new Differences();
    try (Device reference = Device.open("reference", 1)) {
      for (int i = 0; i < draws.size(); i++) {
        Map<String, double[]> got = Runs.train(design, reference, draws.get(i));
        got.putAll(Runs.firstGradients(design, reference, draws.get(i)));
        Map<String, double[]> expected = exact.get(i);
        assertEquals(expected.keySet(), got.keySet());
        String draw = "draw " + i + ", ";
        got.forEach(
            (tensor, numbers) -> {
              if (!isWithoutGradient(tensor)) {
                differences.add(
                    draw + tensor,
                    numbers,
                    expected.get(tensor),
                    DOUBLE_TOLERANCE,
                    numbers.length == 1 ? DOUBLE_FLOOR : 0);
              }
            });
      }
    }
    reporter.publishEntry(variant + ", reference", differences.largest());
    assertTrue(differences.isEmpty(), differences::report);
  }

  private static Design design(String variant, Map<String, String> settings, long side) {
    return Design.of(
        Variant.of(variant).settings().with("critic-steps", "1").with(settings), 1, side, side);
  }

  private static List<Map<String, Tensor>> draws(
      Design design, long side, int iterations, int count) {
    return LongStream.range(0, count)
        .mapToObj(seed -> Runs.draw(design, side * side, iterations, seed))
        .toList();
  }

  private static boolean isWithoutGradient(String tensor) {
    return WITHOUT_GRADIENT.contains(tensor.replace("gradient.", ""));
  }
}
