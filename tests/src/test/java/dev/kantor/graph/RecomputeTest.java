package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.tensor.Device;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Layers whose operands are made while a convolution reads them. */
class RecomputeTest {
  private static final List<Programs.Input> INPUTS = inputs();

  private static List<Programs.Input> inputs() {
    Random random = new Random(5);
    return List.of(
        Programs.random("x", random, 3, 2, 17, 19),
        Programs.random("w1", random, 5, 2, 3, 3),
        Programs.random("b1", random, 5, 1, 1),
        Programs.random("gamma", random, 5),
        Programs.random("beta", random, 5),
        Programs.random("w2", random, 4, 5, 3, 3),
        Programs.random("w3", random, 4, 3, 4, 4));
  }

  /**
   * A convolution, batch norm and an activation between it and the next, as a generator has them.
   */
  private static Value layers(Map<String, Value> in, Function<Value, Value> activation) {
    Value y = Ops.add(Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1), in.get("b1"));
    Value z = activation.apply(Layers.batchNorm(y, in.get("gamma"), in.get("beta"), 1e-5).y());
    return Layers.conv2d(z, in.get("w2"), 2, 1, 1);
  }

  private static Map<String, Value> training(Map<String, Value> in) {
    Value loss = Ops.sum(Ops.tanh(layers(in, v -> Ops.leakyRelu(v, 0.2))));
    List<String> names = List.of("x", "w1", "b1", "gamma", "beta", "w2");
    List<Value> gradients = Gradients.grad(loss, names.stream().map(in::get).toList());
    Map<String, Value> out = new LinkedHashMap<>(Map.of("loss", loss));
    for (int i = 0; i < names.size(); i++) {
      out.put("d " + names.get(i), gradients.get(i));
    }
    return out;
  }

  private static String listing(Function<Map<String, Value>, Map<String, Value>> body) {
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      INPUTS.forEach(i -> state.set(state.add(i.slot()), i.contents()));
      Graph graph =
          Trace.of(
              t -> {
                Map<String, Value> in = new LinkedHashMap<>();
                INPUTS.forEach(i -> in.put(i.name(), t.read(i.slot())));
                body.apply(in)
                    .forEach(
                        (n, v) ->
                            t.write(state.add(new Slot("out " + n, v.dtype(), v.shape())), v));
              });
      try (Program program = Program.compile(graph, state)) {
        return program.describe();
      }
    }
  }

  private static void agrees(Function<Map<String, Value>, Map<String, Value>> body) {
    try (Device cpu = Device.open("cpu", 1);
        Device two = Device.open("cpu", 2);
        Device reference = Device.open("reference", 1)) {
      Program.Options plain = new Program.Options(false, false);
      Map<String, double[]> want = Programs.run(reference, plain, INPUTS, body);
      Map<String, double[]> exact = Programs.run(reference, Program.Options.DEFAULT, INPUTS, body);
      Map<String, double[]> fused = Programs.run(cpu, Program.Options.DEFAULT, INPUTS, body);
      Map<String, double[]> threads = Programs.run(two, Program.Options.DEFAULT, INPUTS, body);
      for (String name : want.keySet()) {
        assertTrue(Programs.distance(exact.get(name), want.get(name)) < 1e-12, name);
        assertTrue(Programs.distance(fused.get(name), want.get(name)) < 2e-5, name);
        assertArrayEquals(fused.get(name), threads.get(name), name);
      }
    }
  }

  @Test
  void whatBatchNormAndAnActivationMakeIsNeverStored() {
    String kernels = listing(RecomputeTest::training);
    assertTrue(kernels.contains("batch_stats"), kernels);
    assertTrue(kernels.contains("conv2d [mul add leaky_relu]"), kernels);
    assertTrue(kernels.contains("conv2d_weight_grad [mul add leaky_relu]"), kernels);
    assertTrue(kernels.contains("conv2d_data_grad mul add leaky_relu leaky_mask mul"), kernels);
    agrees(RecomputeTest::training);
  }

  @Test
  void whatSomebodyNeedsInMemoryIsReadFromThere() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value y = Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1);
          Value z = Ops.relu(Layers.batchNorm(y, in.get("gamma"), in.get("beta"), 1e-5).y());
          return Map.of(
              "y", Layers.conv2d(z, in.get("w2"), 1, 0, 1), "pooled", Layers.maxPool2d(z, 2, 2));
        };
    assertFalse(listing(body).contains("conv2d ["), listing(body));
    agrees(body);
  }

  @Test
  void whatAnEpilogueStoresAtNoCostIsRead() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value z =
              Ops.relu(Ops.add(Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1), in.get("b1")));
          return Map.of("y", Layers.conv2d(z, in.get("w2"), 1, 0, 1));
        };
    assertFalse(listing(body).contains("conv2d ["), listing(body));
    agrees(body);
  }

  @Test
  void severalConvolutionsMakeTheSame() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value y = Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1);
          Value n = Layers.batchNorm(y, in.get("gamma"), in.get("beta"), 1e-5).y();
          return Map.of(
              "a", Layers.conv2d(Ops.softplus(n), in.get("w2"), 1, 0, 1),
              "b", Layers.conv2d(n, in.get("w2"), 2, 1, 1),
              "c", Ops.sub(n, Ops.square(n)));
        };
    String kernels = listing(body);
    assertTrue(kernels.contains("conv2d [mul add softplus]"), kernels);
    assertTrue(kernels.contains("conv2d [mul add]"), kernels);
    agrees(body);
  }

  @Test
  void aTransposedConvolutionMakesItsOperandToo() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value y = layers(in, Ops::relu);
          Value gamma = Ops.slice(in.get("gamma"), 0, 0, 4);
          Value n =
              Layers.batchNorm(
                      Layers.conv2d(in.get("x"), Ops.slice(in.get("w1"), 0, 0, 4), 1, 1, 1),
                      gamma,
                      gamma,
                      1e-5)
                  .y();
          return Map.of(
              "y", y, "up", Layers.convTranspose2d(Ops.tanh(n), in.get("w3"), 2, 1, 0, 1));
        };
    String kernels = listing(body);
    assertTrue(kernels.contains("conv2d_data_grad [mul add tanh]"), kernels);
    agrees(body);
  }

  @Test
  void aBiasBeforeBatchNormHasNoGradient() {
    try (Device cpu = Device.open("cpu", 1)) {
      for (boolean fuse : new boolean[] {false, true}) {
        Map<String, double[]> out =
            Programs.run(cpu, new Program.Options(true, fuse), INPUTS, RecomputeTest::training);
        assertArrayEquals(new double[5], out.get("d b1"));
      }
    }
    List<Double> other = new ArrayList<>();
    try (Device reference = Device.open("reference", 1)) {
      Map<String, double[]> out =
          Programs.run(
              reference,
              Program.Options.DEFAULT,
              INPUTS,
              in -> {
                Value y =
                    Layers.batchNorm(
                            in.get("x"),
                            Ops.slice(in.get("gamma"), 0, 0, 2),
                            Ops.slice(in.get("beta"), 0, 0, 2),
                            1e-5)
                        .y();
                Value dx = Gradients.grad(Ops.sum(Ops.square(Ops.square(y))), in.get("x"));
                return Map.of("rows", Ops.sumTo(dx, dev.kantor.tensor.Shape.of(1, 2, 17, 1)));
              });
      for (double d : out.get("rows")) {
        other.add(Math.abs(d));
      }
    }
    assertEquals(
        34, other.stream().filter(d -> d > 1e-6).count(), "sums over less than a channel stay");
  }
}
