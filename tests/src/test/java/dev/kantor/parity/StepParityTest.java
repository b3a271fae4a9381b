package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Training of multilayer perceptrons from the same weights, noise and batches: Kantor against
 * libtorch in double precision, tensor by tensor, on every one of several fixed draws.
 *
 * <p>Floats agree with it to 1e-5 where rounding decides nothing, and it can decide two things:
 *
 * <ul>
 *   <li>The side of a ReLU's kink, where what enters it is smaller than its rounding. Of the
 *       200,000 such sums in a full-sized iteration one is, in every few draws, and changes that
 *       unit's gradients by a percent or so. {@link Kinks} finds them from the exact run alone; a
 *       draw that comes so near is left out.
 *   <li>The direction of a step, where a gradient is exactly zero: that of a hidden bias of a
 *       Wasserstein critic with leaky ReLU, whenever its unit is on the same side for as many real
 *       samples as generated ones. Adam and RMSprop divide what rounding leaves of it by its own
 *       size, so that this bias wanders by 1e-4 (libtorch's in float as well), and with it what
 *       enters the kinks. Many iterations of Wasserstein critics are therefore held to 1e-5 with
 *       softplus, which has neither, and with leaky ReLU to {@link #DECIDED}.
 * </ul>
 */
class StepParityTest {
  private static final int ITERATIONS = 20;
  private static final long FEATURES = 28 * 28;
  private static final double TOLERANCE = 1e-5;

  /**
   * In double precision the constants of the program, slopes and rates, are still rounded to float.
   */
  private static final double DOUBLE_TOLERANCE = 1e-6;

  /** What rounding may do where it decides, in 20 iterations. */
  private static final double DECIDED = 1e-3;

  /** Roundings that a ReLU's input must keep from zero for all programs to be on the same side. */
  private static final double CLEAR = 2;

  /**
   * The roundings of two numbers about 1, for what is a difference of two means of such, on real
   * and generated samples: a Wasserstein loss, and the gradients of a critic's biases and last
   * weights.
   */
  private static final double FLOAT_FLOOR = 0x1p-23;

  private static final double DOUBLE_FLOOR = 0x1p-53;

  /** Odd and small. */
  private static final Map<String, String> SMALL =
      Map.of(
          "latent", "7", "generator-hidden", "19,23", "critic-hidden", "29,17", "batch-size", "13");

  private static final long SMALL_FEATURES = 31;

  @BeforeAll
  static void needsLibtorch() {
    Libtorch.assume();
  }

  /**
   * What trains.
   *
   * @param rival the oracle's name for the variant with these changes
   */
  record Case(String variant, String rival, Map<String, String> changes, int criticSteps) {
    boolean wasserstein() {
      return !variant.equals("gan");
    }

    Design design(Map<String, String> more, long features) {
      return Design.of(
          Variant.of(variant)
              .settings()
              .with(changes)
              .with(more)
              .with("critic-steps", "" + criticSteps),
          features);
    }

    @Override
    public String toString() {
      return rival + ", critic steps " + criticSteps;
    }
  }

  static Stream<Case> cases() {
    return Stream.concat(
        casesOfOneCriticStep(), Stream.of(new Case("wgan-gp", "wgan-gp", Map.of(), 2)));
  }

  static Stream<Case> casesOfOneCriticStep() {
    return Stream.of(
        new Case("gan", "gan", Map.of(), 1),
        new Case("gan", "gan-saturating", Map.of("generator-loss", "saturating"), 1),
        new Case("wgan", "wgan", Map.of(), 1),
        new Case("wgan-gp", "wgan-gp", Map.of(), 1));
  }

  /** Losses and gradients of both networks, at full size. */
  @ParameterizedTest
  @MethodSource("casesOfOneCriticStep")
  void aFirstIterationAgrees(Case c, TestReporter reporter) throws IOException {
    Design design = c.design(Map.of(), FEATURES);
    List<Map<String, Tensor>> draws = draws(design, FEATURES, 1, 10);
    List<Map<String, double[]>> exact = Runs.oracle(draws, c.rival, "float64");
    List<Integer> clear = new ArrayList<>();
    for (int i = 0; i < draws.size(); i++) {
      double nearest = Kinks.nearest(draws.get(i), exact.get(i));
      if (nearest >= CLEAR) {
        clear.add(i);
      } else {
        reporter.publishEntry("draw " + i + " comes within " + nearest + " roundings of a kink");
      }
    }
    assertTrue(clear.size() >= draws.size() / 2, "too few clear draws: " + clear);
    for (String name : InstructionSets.here()) {
      Differences differences = new Differences();
      try (Device device = Device.open(name, 2)) {
        for (int i : clear) {
          Map<String, double[]> got = Runs.firstGradients(design, device, draws.get(i));
          Runs.train(design, device, draws.get(i))
              .forEach(
                  (tensor, numbers) -> {
                    // The generator's meets the critic's wandering biases.
                    if (tensor.startsWith("critic_")) {
                      got.put(tensor, numbers);
                    }
                  });
          Map<String, double[]> expected = new HashMap<>(exact.get(i));
          expected.keySet().retainAll(got.keySet());
          compare(differences, "draw " + i, got, expected, TOLERANCE, FLOAT_FLOOR);
        }
      }
      report(c + ", " + name, differences, reporter);
    }
  }

  /** Every tensor and loss, on networks so small that kinks are far. */
  @ParameterizedTest
  @MethodSource("cases")
  void twentyIterationsAgree(Case c, TestReporter reporter) throws IOException {
    Map<String, String> settings = new HashMap<>(SMALL);
    String activation = c.wasserstein() ? "softplus" : "leaky-relu";
    settings.put("critic-activation", activation);
    Design design = c.design(settings, SMALL_FEATURES);
    List<Map<String, Tensor>> draws = draws(design, SMALL_FEATURES, ITERATIONS, 8);
    List<Map<String, double[]>> exact =
        Runs.oracle(draws, c.rival, "float64", "--critic-activation", activation);
    for (String name : InstructionSets.here()) {
      Differences differences = new Differences();
      try (Device device = Device.open(name, 1)) {
        for (int i = 0; i < draws.size(); i++) {
          Map<String, double[]> got = Runs.train(design, device, draws.get(i));
          got.putAll(Runs.firstGradients(design, device, draws.get(i)));
          compare(differences, "draw " + i, got, exact.get(i), TOLERANCE, FLOAT_FLOOR);
        }
      }
      report(c + ", " + name, differences, reporter);
    }
  }

  /** At full size, where rounding decides something in most draws. */
  @ParameterizedTest
  @MethodSource("cases")
  void twentyIterationsStayNearOnOneAndTwoThreads(Case c, TestReporter reporter)
      throws IOException {
    Design design = c.design(Map.of(), FEATURES);
    List<Map<String, Tensor>> draws = draws(design, FEATURES, ITERATIONS, 2);
    List<Map<String, double[]>> exact = Runs.oracle(draws, c.rival, "float64");
    for (String name : InstructionSets.here()) {
      Differences differences = new Differences();
      try (Device one = Device.open(name, 1);
          Device two = Device.open(name, 2)) {
        for (int i = 0; i < draws.size(); i++) {
          Map<String, double[]> got = Runs.train(design, one, draws.get(i));
          Runs.train(design, two, draws.get(i))
              .forEach(
                  (tensor, numbers) ->
                      assertArrayEquals(
                          numbers,
                          got.get(tensor),
                          name + ": " + tensor + " depends on the number of threads"));
          Map<String, double[]> expected = new HashMap<>(exact.get(i));
          expected.keySet().retainAll(got.keySet());
          compare(differences, "draw " + i, got, expected, DECIDED, FLOAT_FLOOR);
        }
      }
      report(c + ", " + name, differences, reporter);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void twentyIterationsAgreeInDoublePrecision(Case c, TestReporter reporter) throws IOException {
    Design design = c.design(SMALL, SMALL_FEATURES);
    List<Map<String, Tensor>> draws = draws(design, SMALL_FEATURES, ITERATIONS, 3);
    List<Map<String, double[]>> exact = Runs.oracle(draws, c.rival, "float64");
    Differences differences = new Differences();
    try (Device reference = Device.open("reference", 1)) {
      for (int i = 0; i < draws.size(); i++) {
        Map<String, double[]> got = Runs.train(design, reference, draws.get(i));
        got.putAll(Runs.firstGradients(design, reference, draws.get(i)));
        compare(differences, "draw " + i, got, exact.get(i), DOUBLE_TOLERANCE, DOUBLE_FLOOR);
      }
    }
    report(c + ", reference", differences, reporter);
  }

  private static List<Map<String, Tensor>> draws(
      Design design, long features, int iterations, int count) {
    return LongStream.range(0, count)
        .mapToObj(seed -> Runs.draw(design, features, iterations, seed))
        .toList();
  }

  /**
   * @param floor for the differences of numbers about 1
   */
  private static void compare(
      Differences differences,
      String what,
      Map<String, double[]> got,
      Map<String, double[]> expected,
      double tolerance,
      double floor) {
    assertEquals(expected.keySet(), got.keySet());
    got.forEach(
        (name, numbers) -> {
          boolean cancels =
              name.equals("critic_loss")
                  || name.equals("gradient.critic.4.weight")
                  || name.matches("(gradient\\.)?critic\\..*\\.bias");
          differences.add(
              what + ", " + name,
              numbers,
              Runs.lastOf(expected.get(name), numbers.length),
              tolerance,
              cancels ? floor : 0);
        });
  }

  private static void report(String what, Differences differences, TestReporter reporter) {
    reporter.publishEntry(what, differences.largest());
    assertTrue(differences.isEmpty(), () -> what + "\n" + differences.report());
  }
}
