package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.ConvChain.Activation;
import dev.kantor.graph.ConvChain.Layer;
import dev.kantor.graph.Convolution.Conv2d;
import dev.kantor.graph.Convolution.Geometry;
import dev.kantor.tensor.Device;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Batch norm folded into convolutions, and convolutions run one after the other as one kernel. */
class ConvChainTest {
  private static final List<Programs.Input> INPUTS = inputs();

  private static List<Programs.Input> inputs() {
    Random random = new Random(7);
    return List.of(
        Programs.random("x", random, 3, 2, 18, 19),
        Programs.random("w1", random, 16, 2, 3, 3),
        Programs.random("b1", random, 16, 1, 1),
        Programs.random("s1", random, 16, 1, 1),
        Programs.random("t1", random, 16, 1, 1),
        Programs.random("w2", random, 32, 16, 3, 3),
        Programs.random("b2", random, 32, 1, 1),
        Programs.random("s2", random, 32, 1, 1),
        Programs.random("w3", random, 3, 32, 3, 3),
        Programs.random("b3", random, 3, 1, 1),
        Programs.random("mask", random, 3, 32, 18, 19),
        Programs.random("up1", random, 2, 16, 4, 4),
        Programs.random("up2", random, 16, 1, 4, 4),
        Programs.random("bu", random, 1, 1, 1));
  }

  /** As a generator draws: every layer with a bias and batch norm by running statistics. */
  private static Map<String, Value> generator(Map<String, Value> in) {
    Value a = Ops.add(Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1), in.get("b1"));
    a = Ops.relu(Ops.add(Ops.mul(a, in.get("s1")), in.get("t1")));
    Value b = Ops.add(Layers.conv2d(a, in.get("w2"), 1, 1, 1), in.get("b2"));
    b = Ops.leakyRelu(Ops.mul(b, in.get("s2")), 0.2);
    Value c = Ops.add(Layers.conv2d(b, in.get("w3"), 2, 1, 1), in.get("b3"));
    return Map.of("y", Ops.tanh(Ops.scale(c, 0.1)));
  }

  /** As a decoder draws: transposed convolutions, with batch norm by running statistics. */
  private static Map<String, Value> decoder(Map<String, Value> in) {
    Value a = Layers.convTranspose2d(in.get("x"), in.get("up1"), 2, 1, 1, 1);
    a = Ops.relu(Ops.add(Ops.mul(Ops.add(a, in.get("b1")), in.get("s1")), in.get("t1")));
    Value b = Layers.convTranspose2d(a, in.get("up2"), 2, 1, 0, 1);
    return Map.of("y", Ops.sigmoid(Ops.scale(Ops.add(b, in.get("bu")), 0.1)));
  }

  private static Graph graph(State state, Function<Map<String, Value>, Map<String, Value>> body) {
    return Trace.of(
        t -> {
          Map<String, Value> in = new LinkedHashMap<>();
          INPUTS.forEach(i -> in.put(i.name(), t.read(i.slot())));
          body.apply(in)
              .forEach((n, v) -> t.write(state.add(new Slot("out " + n, v.dtype(), v.shape())), v));
        });
  }

  private static String listing(Function<Map<String, Value>, Map<String, Value>> body) {
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      INPUTS.forEach(i -> state.set(state.add(i.slot()), i.contents()));
      try (Program program = Program.compile(graph(state, body), state)) {
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
      Map<String, double[]> chained = Programs.run(cpu, Program.Options.DEFAULT, INPUTS, body);
      Map<String, double[]> threads = Programs.run(two, Program.Options.DEFAULT, INPUTS, body);
      for (String name : want.keySet()) {
        assertTrue(Programs.distance(exact.get(name), want.get(name)) < 1e-12, name);
        assertTrue(Programs.distance(chained.get(name), want.get(name)) < 2e-6, name);
        assertArrayEquals(chained.get(name), threads.get(name), name);
      }
    }
  }

  private static long count(Graph graph, Class<?> op) {
    return graph.nodes.stream().filter(n -> op.isInstance(n.op)).count();
  }

  @Test
  void aGeneratorDrawsInOneKernel() {
    String kernels = listing(ConvChainTest::generator);
    assertTrue(kernels.contains("conv2d_chain add scale tanh"), kernels);
    assertFalse(kernels.contains("conv2d add"), kernels);
    agrees(ConvChainTest::generator);
  }

  @Test
  void aDecoderDrawsInOneKernel() {
    String kernels = listing(ConvChainTest::decoder);
    assertTrue(kernels.contains("conv2d_chain add scale sigmoid"), kernels);
    assertFalse(kernels.contains("conv2d_data_grad"), kernels);
    agrees(ConvChainTest::decoder);
  }

  @Test
  void channelsThatFillNoVectorsEndAChain() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value w1 = Ops.slice(in.get("w1"), 0, 0, 15);
          Value b1 = Ops.slice(in.get("b1"), 0, 0, 15);
          Value a = Ops.relu(Ops.add(Layers.conv2d(in.get("x"), w1, 1, 1, 1), b1));
          Value w2 = Ops.slice(in.get("w2"), 1, 0, 15);
          return Map.of("y", Layers.conv2d(a, w2, 1, 1, 1));
        };
    assertFalse(listing(body).contains("conv2d_chain"), listing(body));
    agrees(body);
  }

  @Test
  void factorsAndAdditionsByChannelAreFoldedIntoOneAddition() {
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      INPUTS.forEach(i -> state.add(i.slot()));
      Graph graph = graph(state, ConvChainTest::generator);
      Graph folded = FoldNorms.run(graph);
      // Of planes 6 additions and factors and the scale before tanh are left 3 additions.
      assertEquals(6, onPlanes(graph));
      assertEquals(3, onPlanes(folded));
    }
  }

  private static long onPlanes(Graph graph) {
    return graph.nodes.stream()
        .filter(n -> n.op instanceof Elementwise.Binary)
        .filter(n -> n.output().shape().rank() == 4 && n.output().shape().dim(0) == 3)
        .filter(n -> n.output().shape().dim(2) > 3)
        .count();
  }

  @Test
  void nothingIsFoldedThatDependsOnTheOutputOrThatOthersTake() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value y = Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1);
          Value mean = Ops.sumTo(y, in.get("b1").shape());
          Value z = Ops.add(Layers.conv2d(in.get("x"), in.get("w1"), 2, 1, 1), in.get("b1"));
          return Map.of("centred", Ops.mul(y, mean), "z", z, "scaled", Ops.mul(z, in.get("s1")));
        };
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      INPUTS.forEach(i -> state.add(i.slot()));
      Graph graph = graph(state, body);
      assertEquals(graph.nodes, FoldNorms.run(graph).nodes);
    }
    agrees(body);
  }

  @Test
  void whatSomebodyElseTakesIsStored() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value a = Ops.relu(conv(in, "x", 1));
          Value b = Ops.relu(Ops.add(Layers.conv2d(a, in.get("w2"), 1, 1, 1), in.get("b2")));
          return Map.of("b", b, "c", Layers.conv2d(b, in.get("w3"), 1, 1, 1));
        };
    String kernels = listing(body);
    // The second layer's result is wanted; it still is the end of a chain.
    assertTrue(kernels.contains("conv2d_chain add relu"), kernels);
    assertTrue(kernels.lines().anyMatch(l -> l.matches("\\d+ +conv2d .*")), kernels);
    agrees(body);
  }

  @Test
  void otherLayersBetweenEndAChain() {
    Function<Map<String, Value>, Map<String, Value>> body =
        in -> {
          Value masked = Ops.relu(Ops.mul(conv2(in), in.get("mask")));
          Value smooth = Ops.tanh(conv2(in));
          Value unbiased = Ops.relu(Layers.conv2d(in.get("x"), in.get("w1"), 1, 1, 1));
          return Map.of(
              "masked", Layers.conv2d(masked, in.get("w3"), 1, 1, 1),
              "smooth", Layers.conv2d(smooth, in.get("w3"), 1, 1, 1),
              "unbiased", Layers.conv2d(unbiased, in.get("w2"), 1, 1, 1),
              "pooled", Layers.conv2d(Layers.maxPool2d(conv2(in), 2, 2), in.get("w3"), 1, 1, 1));
        };
    assertFalse(listing(body).contains("conv2d_chain"), listing(body));
    agrees(body);
  }

  private static Value conv(Map<String, Value> in, String x, int k) {
    return Ops.add(Layers.conv2d(in.get(x), in.get("w" + k), 1, 1, 1), in.get("b" + k));
  }

  /** Of an operand that is in memory. */
  private static Value conv2(Map<String, Value> in) {
    Value x = Layers.maxPool2d(conv(in, "x", 1), 1, 1);
    return Ops.add(Layers.conv2d(x, in.get("w2"), 1, 1, 1), in.get("b2"));
  }

  @Test
  void aChainIsWhatItsLayersAreAndIsDifferentiatedAsThey() {
    Geometry plain = Geometry.square(1, 1, 1);
    ConvChain chain =
        new ConvChain(
            List.of(
                new Layer(new Conv2d(plain), Activation.RELU, 0),
                new Layer(new Conv2d(plain), Activation.LEAKY_RELU, 0.2f),
                new Layer(new Conv2d(Geometry.square(2, 1, 1)), Activation.NONE, 0)));
    List<String> names = List.of("x", "w1", "b1", "w2", "b2", "w3");
    Function<Map<String, Value>, Map<String, Value>> asOne =
        in ->
            results(Ops.apply(chain, names.stream().map(in::get).toArray(Value[]::new)), names, in);
    Function<Map<String, Value>, Map<String, Value>> asLayers =
        in -> {
          Value a = Ops.relu(conv(in, "x", 1));
          Value b = Ops.add(Layers.conv2d(a, in.get("w2"), 1, 1, 1), in.get("b2"));
          return results(Layers.conv2d(Ops.leakyRelu(b, 0.2), in.get("w3"), 2, 1, 1), names, in);
        };
    try (Device reference = Device.open("reference", 1)) {
      Program.Options plainly = new Program.Options(false, false);
      Map<String, double[]> one = Programs.run(reference, plainly, INPUTS, asOne);
      Map<String, double[]> layers = Programs.run(reference, plainly, INPUTS, asLayers);
      assertEquals(layers.keySet(), one.keySet());
      layers.forEach(
          (name, want) -> assertTrue(Programs.distance(one.get(name), want) < 1e-13, name));
    }
  }

  private static Map<String, Value> results(Value y, List<String> names, Map<String, Value> in) {
    List<Value> gradients =
        Gradients.grad(Ops.sum(Ops.square(y)), names.stream().map(in::get).toList());
    Map<String, Value> results = new LinkedHashMap<>(Map.of("y", y));
    for (int i = 0; i < names.size(); i++) {
      results.put("d " + names.get(i), gradients.get(i));
    }
    return results;
  }

  @Test
  void whatIsNoChainIsRefused() {
    Layer relu = new Layer(new Conv2d(Geometry.square(1, 1, 1)), Activation.RELU, 0);
    Layer last = new Layer(new Conv2d(Geometry.square(1, 1, 1)), Activation.NONE, 0);
    assertThrows(IllegalArgumentException.class, () -> new ConvChain(List.of(last)));
    assertThrows(IllegalArgumentException.class, () -> new ConvChain(List.of(last, relu)));
    Value x = Ops.full(1, 1, 2, 5, 5);
    Value w = Ops.full(1, 3, 2, 3, 3);
    Value v = Ops.full(1, 4, 3, 3, 3);
    ConvChain two = new ConvChain(List.of(relu, last));
    assertEquals(
        "conv2d_chain: bias 1 is f32[2]; expected 3 elements",
        assertThrows(IllegalArgumentException.class, () -> Ops.apply(two, x, w, Ops.full(0, 2), v))
            .getMessage());
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Ops.apply(two, x, w, Ops.full(0, 3), w))
            .getMessage()
            .contains("the input has 3 channels"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Ops.apply(two, x, w, v))
            .getMessage()
            .contains("3 inputs for 2 layers; expected 4"));
  }
}
