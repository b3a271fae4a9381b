package dev.kantor.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds the oracle's derivatives and updates to central differences and plain formulas, in float64.
 */
class DerivativesTest {
  private static final double STEP = 1e-6;
  private static final double TOLERANCE = 1e-6;

  @BeforeEach
  void seed() {
    Main.loadLibraries();
    torch.manual_seed(7);
  }

  /**
   * For wgan-gp this is the double backward: the critic's loss has the norm of its own gradient.
   */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CVAE_GAN")
  void gradientsOfBothNetworksAgreeWithDifferences(Variant variant) {
    holdToDifferences(variant, false);
    holdToDifferences(variant, true);
  }

  private static void holdToDifferences(Variant variant, boolean smoothCritic) {
    // So small a rate that the generator's step meets the critic that it had before.
    Settings frozen = new Settings(variant, 1e-15, 0.5, 0.9, 100, 10, smoothCritic);
    TensorFile in = inputs(variant.convolutional);
    TensorFile out = StepCommand.run(frozen, ScalarType.Double, in);
    for (String network : List.of("generator", "critic")) {
      ToDoubleFunction<TensorFile> loss =
          file ->
              StepCommand.run(frozen, ScalarType.Double, file).get(network + "_loss").item_double();
      for (String name : in.tensors().keySet()) {
        if (name.startsWith(network) && !name.contains("running")) {
          assertClose(name, out.get("gradient." + name), differences(in, name, loss));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'op': 'norm_penalty', 'inputs': ['x'], 'v': ['scalar'], 'u': ['x2']}",
        "{'op': 'layer_norm', 'inputs': ['x', 'row', 'row2'], 'v': ['x2'], 'u': ['x3', 'row3',"
            + " 'row4']}",
        "{'op': 'linear', 'attributes': {'activation': 'silu'}, 'inputs': ['x', 'w', 'b'], 'v':"
            + " ['y'], 'u': ['x2', 'w2', 'b2']}",
        "{'op': 'div', 'inputs': ['x', 'row'], 'v': ['x2'], 'u': ['x3', null]}",
        "{'op': 'matmul', 'attributes': {'transpose_b': true}, 'inputs': ['x', 'w'], 'v': ['y'],"
            + " 'u': [null, 'w2']}"
      })
  void secondDerivativesAgreeWithDifferences(String text) {
    String item = text.replace('\'', '"').replaceFirst("\\{", "{\"name\": \"case\", ");
    TensorFile in = new TensorFile(vectors(), Map.of("cases", "[" + item + "]"));
    TensorFile out = OpsCommand.run(ScalarType.Double, in);
    List<String> inputs = names(item, "inputs");
    List<String> directions = names(item, "u");
    ToDoubleFunction<TensorFile> paired =
        file -> {
          TensorFile results = OpsCommand.run(ScalarType.Double, file);
          double sum = 0;
          for (int i = 0; i < directions.size(); i++) {
            if (!directions.get(i).equals("null")) {
              sum +=
                  results.get("case.grad." + i).mul(in.get(directions.get(i))).sum().item_double();
            }
          }
          return sum;
        };
    List<String> ends = new ArrayList<>();
    List<String> variables = new ArrayList<>(inputs);
    for (int i = 0; i < inputs.size(); i++) {
      ends.add(String.valueOf(i));
    }
    variables.addAll(names(item, "v"));
    ends.add("v.0");
    for (int i = 0; i < ends.size(); i++) {
      double[] expected = differences(in, variables.get(i), paired);
      Tensor second = out.tensors().get("case.second." + ends.get(i));
      assertClose(
          ends.get(i),
          second == null ? torch.zeros_like(in.get(variables.get(i))) : second,
          expected);
    }
  }

  @Test
  void anUnknownOpIsNamed() {
    TensorFile in =
        new TensorFile(
            vectors(),
            Map.of("cases", "[{\"name\": \"a\", \"op\": \"fold\", \"inputs\": [\"x\"]}]"));
    Exception e =
        assertThrows(IllegalArgumentException.class, () -> OpsCommand.run(ScalarType.Double, in));
    assertTrue(
        e.getMessage().startsWith("case a: unknown op fold; known: [abs, add,"), e.getMessage());
  }

  @ParameterizedTest
  @EnumSource(
      value = Variant.class,
      names = {"WGAN", "WGAN_GP"})
  void optimisersFollowTheirFormulas(Variant variant) {
    Settings settings = new Settings(variant, 0.01, 0.5, 0.9, 1, 10, false);
    Network network =
        Networks.critic(settings, new Initial(ScalarType.Double).linear("critic.0", 3, 1).named());
    Tensor parameter = network.weights().getFirst();
    double[] expected = values(parameter);
    double[] means = new double[3];
    double[] squares = new double[3];
    Optimiser optimiser = Optimiser.of(settings, network);
    for (int step = 1; step <= 3; step++) {
      Tensor gradient = torch.randn(new long[] {1, 3}, new TensorOptions(ScalarType.Double));
      double[] g = values(gradient);
      try (var _ = new AutoGradMode(false)) {
        optimiser.step(new TensorVector(gradient, gradient.sum(1)));
      }
      for (int i = 0; i < 3; i++) {
        if (variant == Variant.WGAN) {
          squares[i] = 0.99 * squares[i] + 0.01 * g[i] * g[i];
          expected[i] -= 0.01 * g[i] / (Math.sqrt(squares[i]) + 1e-8);
        } else {
          means[i] = 0.5 * means[i] + 0.5 * g[i];
          squares[i] = 0.9 * squares[i] + 0.1 * g[i] * g[i];
          double mean = means[i] / (1 - Math.pow(0.5, step));
          double square = squares[i] / (1 - Math.pow(0.9, step));
          expected[i] -= 0.01 * mean / (Math.sqrt(square) + 1e-8);
        }
      }
    }
    assertClose("weight", parameter, expected);
  }

  @Test
  void weightsAreClippedAndBiasesAreNot() {
    Settings settings = new Settings(Variant.WGAN, 0.5, 0.5, 0.9, 0.05, 10, false);
    TensorFile out = StepCommand.run(settings, ScalarType.Double, inputs(false));
    for (String name : List.of("critic.0", "critic.2", "critic.4")) {
      assertEquals(0.05, out.get(name + ".weight").abs().max().item_double(), name);
    }
    assertTrue(out.get("critic.0.bias").abs().max().item_double() > 1);
  }

  /** Small networks and one iteration's inputs. */
  private static TensorFile inputs(boolean convolutional) {
    Initial initial = new Initial(ScalarType.Double);
    long pixels = convolutional ? 16 : 4;
    if (convolutional) {
      initial
          .linear("generator.0", 3, 4 * pixels)
          .batchNorm("generator.2", 1)
          .convolution("generator.4", 1, 3, 3)
          .batchNorm("generator.5", 3)
          .convolution("generator.7", 3, 2, 3)
          .batchNorm("generator.8", 2)
          .convolution("generator.10", 2, 1, 3)
          .convolution("critic.1", 1, 2, 3)
          .convolution("critic.4", 2, 3, 3)
          .linear("critic.8", 3, 5)
          .linear("critic.10", 5, 1);
    } else {
      initial
          .linear("generator.0", 3, 4)
          .linear("generator.2", 4, 3)
          .linear("generator.4", 3, 4)
          .linear("critic.0", 4, 4)
          .linear("critic.2", 4, 3)
          .linear("critic.4", 3, 1);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(initial.named());
    TensorOptions type = new TensorOptions(ScalarType.Double);
    tensors.put("real", torch.randn(new long[] {1, 7, pixels}, type));
    tensors.put("z_critic", torch.randn(new long[] {1, 7, 3}, type));
    tensors.put("z_generator", torch.randn(new long[] {1, 7, 3}, type));
    tensors.put("alpha", torch.rand(new long[] {1, 7}, type));
    return new TensorFile(tensors, Map.of());
  }

  private static Map<String, Tensor> vectors() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (String suffix : List.of("", "2", "3", "4")) {
      shapes.put("x" + suffix, new long[] {4, 3});
      shapes.put("row" + suffix, new long[] {3});
      shapes.put("w" + suffix, new long[] {5, 3});
      shapes.put("b" + suffix, new long[] {5});
    }
    shapes.put("y", new long[] {4, 5});
    shapes.put("scalar", new long[] {});
    Map<String, Tensor> vectors = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) ->
            vectors.put(name, torch.randn(shape, new TensorOptions(ScalarType.Double))));
    return vectors;
  }

  private static List<String> names(String json, String key) {
    String list = json.replaceFirst(".*\"" + key + "\": \\[([^]]*)].*", "$1");
    return List.of(list.replace("\"", "").split(", "));
  }

  /** Central differences of the function by each element of one tensor of the file. */
  private static double[] differences(
      TensorFile in, String name, ToDoubleFunction<TensorFile> function) {
    double[] differences = new double[Math.toIntExact(in.get(name).numel())];
    for (int i = 0; i < differences.length; i++) {
      differences[i] =
          (shifted(in, name, i, STEP, function) - shifted(in, name, i, -STEP, function))
              / (2 * STEP);
    }
    return differences;
  }

  private static double shifted(
      TensorFile in, String name, int index, double by, ToDoubleFunction<TensorFile> function) {
    Tensor moved = in.get(name).clone();
    DoublePointer data = moved.data_ptr_double();
    data.put(index, data.get(index) + by);
    Map<String, Tensor> tensors = new LinkedHashMap<>(in.tensors());
    tensors.put(name, moved);
    return function.applyAsDouble(new TensorFile(tensors, in.metadata()));
  }

  private static double[] values(Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.numel())];
    tensor.detach().contiguous().data_ptr_double().get(values);
    return values;
  }

  private static void assertClose(String name, Tensor actual, double[] expected) {
    double[] found = values(actual);
    assertEquals(expected.length, found.length, name);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(
          expected[i],
          found[i],
          TOLERANCE * Math.max(1, Math.abs(expected[i])),
          name + "[" + i + "]");
    }
  }
}
