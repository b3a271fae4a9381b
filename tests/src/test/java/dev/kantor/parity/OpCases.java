package dev.kantor.parity;

import dev.kantor.gan.Objective;
import dev.kantor.graph.Layers;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import dev.kantor.nn.Activation;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** The table of ops that are compared with the oracle's. A new op adds rows. */
final class OpCases {
  private OpCases() {}

  /**
   * A tensor drawn uniformly from [low, high).
   *
   * @param low equal to high for a constant that is not differentiated by and that the function
   *     does not get
   */
  record Input(double low, double high, long... dims) {
    boolean isConstant() {
      return low == high;
    }
  }

  /**
   * An op on given shapes.
   *
   * @param op the oracle's name
   * @param attributes the oracle's attributes
   * @param function of the inputs that are no constants
   */
  record Case(
      String name,
      String op,
      Map<String, Object> attributes,
      List<Input> inputs,
      Function<List<Value>, Value> function) {
    Case {
      attributes = Map.copyOf(attributes);
      inputs = List.copyOf(inputs);
    }
  }

  static List<Case> all() {
    List<Case> all = new ArrayList<>();
    products(all);
    layers(all);
    PlaneCases.addTo(all);
    pointwise(all);
    sums(all);
    losses(all);
    return all;
  }

  /** m, n, k: odd, one wide, prime, and what the variants' layers have. */
  private static void products(List<Case> all) {
    long[][] sizes = {
      {1, 1, 1},
      {1, 7, 5},
      {5, 1, 3},
      {3, 5, 1},
      {2, 2, 2},
      {17, 13, 11},
      {31, 37, 29},
      {64, 96, 100},
      {1, 256, 67},
      {128, 1, 256}
    };
    for (long[] s : sizes) {
      for (int i = 0; i < 4; i++) {
        boolean ta = i / 2 == 1;
        boolean tb = i % 2 == 1;
        add(
            all,
            "matmul",
            "matmul",
            Map.of("transpose_a", ta, "transpose_b", tb),
            in -> Ops.matmul(in.get(0), in.get(1), ta, tb),
            ta ? unit(s[2], s[0]) : unit(s[0], s[2]),
            tb ? unit(s[1], s[2]) : unit(s[2], s[1]));
      }
    }
  }

  private static void layers(List<Case> all) {
    long[][] sizes = {{1, 1, 1}, {3, 5, 1}, {7, 3, 5}, {13, 17, 19}, {5, 1, 31}, {64, 32, 100}};
    for (long[] s : sizes) {
      Input x = unit(s[0], s[2]);
      Input weight = unit(s[1], s[2]);
      Input bias = unit(s[1]);
      add(
          all,
          "linear",
          "linear",
          Map.of(),
          in -> Layers.linear(in.get(0), in.get(1), null),
          x,
          weight);
      add(all, "linear, bias", "linear", Map.of(), OpCases::linear, x, weight, bias);
      for (Activation a : Activation.values()) {
        String activation = a.name().toLowerCase(Locale.ROOT);
        // Activations need no trace of their own.
        add(
            all,
            "linear, bias, " + activation,
            "linear",
            Map.of("activation", activation, "slope", slope()),
            in -> a.forward(null, linear(in)),
            x,
            weight,
            bias);
      }
    }
    // The widest layers of the variants, the activations between them.
    add(
        all,
        "first of the critic",
        "linear",
        Map.of("activation", "leaky_relu", "slope", slope()),
        in -> Activation.LEAKY_RELU.forward(null, linear(in)),
        unit(64, 784),
        range(0.04, 256, 784),
        range(0.04, 256));
    add(
        all,
        "last of the generator",
        "linear",
        Map.of("activation", "tanh"),
        in -> Ops.tanh(linear(in)),
        unit(64, 256),
        range(0.06, 784, 256),
        range(0.06, 784));
    add(
        all,
        "last of the critic",
        "linear",
        Map.of(),
        OpCases::linear,
        unit(128, 256),
        range(0.06, 1, 256),
        range(0.06, 1));
    long[][] norms = {{1, 5}, {3, 5}, {7, 31}, {13, 64}, {64, 256}};
    for (long[] s : norms) {
      add(
          all,
          "layer_norm",
          "layer_norm",
          Map.of("eps", (double) 1e-5f),
          in -> Layers.layerNorm(in.get(0), in.get(1), in.get(2), 1e-5),
          unit(s),
          unit(s[1]),
          unit(s[1]));
    }
  }

  private static void pointwise(List<Case> all) {
    long[][] shapes = {{}, {1}, {7}, {5, 7}, {13, 1}, {2, 3, 5}, {64, 256}};
    for (long[] s : shapes) {
      Input wide = range(6, s);
      Input positive = new Input(0.2, 3, s);
      unary(all, "relu", Ops::relu, wide);
      unary(all, "tanh", Ops::tanh, wide);
      unary(all, "sigmoid", Ops::sigmoid, wide);
      unary(all, "silu", Ops::silu, wide);
      unary(all, "exp", Ops::exp, wide);
      unary(all, "abs", Ops::abs, wide);
      unary(all, "neg", Ops::neg, wide);
      unary(all, "square", Ops::square, wide);
      unary(all, "log", Ops::log, positive);
      unary(all, "sqrt", Ops::sqrt, positive);
      unary(all, "reciprocal", Ops::reciprocal, positive);
      add(
          all,
          "leaky_relu",
          "leaky_relu",
          Map.of("slope", slope()),
          in -> Ops.leakyRelu(in.getFirst(), slope()),
          wide);
      // The framework turns to the identity above its threshold, of 20 if not given.
      add(
          all,
          "softplus",
          "softplus",
          Map.of("threshold", 500),
          in -> Ops.softplus(in.getFirst()),
          range(30, s));
      add(all, "softplus", "softplus", Map.of(), in -> Ops.softplus(in.getFirst()), range(6, s));
    }
    long[][][] pairs = {
      {{4, 6}, {4, 6}},
      {{4, 6}, {6}},
      {{6}, {4, 6}},
      {{4, 6}, {4, 1}},
      {{4, 6}, {}},
      {{1, 7}, {5, 1}},
      {{13, 1}, {1, 17}},
      {{2, 3, 2, 2}, {3, 1, 1}},
      {{3, 1, 5}, {4, 1}},
      {{1}, {1}},
      {{64, 784}, {64, 1}},
      {{64, 256}, {256}}
    };
    for (long[][] p : pairs) {
      binary(all, "add", Ops::add, unit(p[0]), unit(p[1]));
      binary(all, "sub", Ops::sub, unit(p[0]), unit(p[1]));
      binary(all, "mul", Ops::mul, unit(p[0]), unit(p[1]));
      binary(all, "div", Ops::div, unit(p[0]), new Input(0.3, 2, p[1]));
    }
  }

  private static void sums(List<Case> all) {
    record Over(long[] shape, int... axes) {}
    List<Over> cases =
        List.of(
            new Over(new long[] {1}, 0),
            new Over(new long[] {7}, 0),
            new Over(new long[] {5, 7}, 0),
            new Over(new long[] {5, 7}, 1),
            new Over(new long[] {5, 7}, 0, 1),
            new Over(new long[] {1, 7}, 0),
            new Over(new long[] {13, 1}, 1),
            new Over(new long[] {3, 4, 5}, 1),
            new Over(new long[] {3, 4, 5}, 0, 2),
            new Over(new long[] {2, 3, 2, 2}, 0, 2, 3),
            new Over(new long[] {128, 784}, 0),
            new Over(new long[] {128, 784}, 1),
            new Over(new long[] {64, 1}, 0, 1));
    for (Over c : cases) {
      add(
          all,
          "sum over " + Arrays.toString(c.axes),
          "sum",
          Map.of("dims", c.axes),
          in -> Ops.sum(in.getFirst(), c.axes),
          unit(c.shape));
      add(
          all,
          "mean over " + Arrays.toString(c.axes),
          "mean",
          Map.of("dims", c.axes),
          in -> Ops.mean(in.getFirst(), c.axes),
          unit(c.shape));
    }
  }

  private static void losses(List<Case> all) {
    long[][] scores = {{1, 1}, {7, 1}, {64, 1}, {13, 5}};
    for (long[] s : scores) {
      for (double target : new double[] {0, 0.25, 1}) {
        add(
            all,
            "bce_with_logits " + target,
            "bce_with_logits",
            Map.of(),
            in -> Losses.bceWithLogits(in.getFirst(), target),
            range(9, s),
            new Input(target, target, s));
        add(
            all,
            "bce " + target,
            "bce",
            Map.of(),
            in -> Losses.bce(in.getFirst(), target),
            new Input(0.02, 0.98, s),
            new Input(target, target, s));
      }
      objective(all, "hinge", new Objective.Hinge(), s);
      objective(all, "least_squares", new Objective.LeastSquares(), s);
    }
    for (long[] s : new long[][] {{1, 2}, {7, 4}, {64, 16}}) {
      double even = 1.0 / s[1];
      add(
          all,
          "cross_entropy",
          "cross_entropy",
          Map.of(),
          in -> Losses.crossEntropy(in.getFirst(), Ops.fullLike(in.getFirst(), even)),
          range(6, s),
          new Input(even, even, s));
    }
    // Narrow rows have norms on both sides of the centre. Wide ones have all about 1.15: too near
    // to it the excess would keep few digits.
    long[][] rows = {{1, 1}, {5, 3}, {13, 7}, {64, 31}, {64, 784}};
    for (long[] s : rows) {
      Input x = range(2 / Math.sqrt(s[1]), s);
      add(
          all,
          "row penalty",
          "norm_penalty",
          Map.of(),
          in -> Losses.rowPenalty(in.getFirst(), 1, 1, false).value(),
          x);
      add(
          all,
          "row penalty, one-sided",
          "norm_penalty",
          Map.of("one_sided", true),
          in -> Losses.rowPenalty(in.getFirst(), 1, 1, true).value(),
          x);
      add(
          all,
          "row penalty, centre 0",
          "norm_penalty",
          Map.of("center", 0),
          in -> Losses.rowPenalty(in.getFirst(), 1, 0, false).value(),
          x);
    }
  }

  private static void objective(List<Case> all, String op, Objective objective, long[] shape) {
    Input scores = range(3, shape);
    add(
        all,
        op + " critic",
        op + "_critic",
        Map.of(),
        in -> objective.discriminator(in.get(0), in.get(1)),
        scores,
        scores);
    add(
        all,
        op + " generator",
        op + "_generator",
        Map.of(),
        in -> objective.generator(in.getFirst(), in.getFirst()),
        scores);
  }

  private static void unary(List<Case> all, String op, UnaryOperator<Value> f, Input x) {
    add(all, op, op, Map.of(), in -> f.apply(in.getFirst()), x);
  }

  private static void binary(List<Case> all, String op, BinaryOperator<Value> f, Input a, Input b) {
    add(all, op, op, Map.of(), in -> f.apply(in.get(0), in.get(1)), a, b);
  }

  static void add(
      List<Case> all,
      String name,
      String op,
      Map<String, Object> attributes,
      Function<List<Value>, Value> function,
      Input... inputs) {
    String shapes =
        String.join(" ", Arrays.stream(inputs).map(i -> Shape.of(i.dims).toString()).toList());
    all.add(
        new Case(
            all.size() + " " + name + " " + shapes, op, attributes, List.of(inputs), function));
  }

  private static Value linear(List<Value> in) {
    return Layers.linear(in.get(0), in.get(1), in.get(2));
  }

  /** Constants of a program are floats. */
  private static double slope() {
    return (float) Activation.LEAKY_SLOPE;
  }

  static Input unit(long... dims) {
    return range(1, dims);
  }

  static Input range(double bound, long... dims) {
    return new Input(-bound, bound, dims);
  }
}
