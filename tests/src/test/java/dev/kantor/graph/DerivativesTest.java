package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.graph.Programs.Input;
import dev.kantor.tensor.Device;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forward, first and second derivatives of every op: by finite differences on the reference device
 * in double precision, and the CPU device against the reference.
 */
class DerivativesTest {
  private static Device reference;
  private static Device cpu;

  @BeforeAll
  static void open() {
    reference = Device.open("reference", 1);
    cpu = Device.open("cpu", 2);
  }

  @AfterAll
  static void close() {
    reference.close();
    cpu.close();
  }

  /** A function of named tensors; smooth enough at the points drawn for finite differences. */
  record Case(String name, List<Shape> inputs, Function<List<Value>, Value> function) {
    record Shape(long... dims) {}

    @Override
    public String toString() {
      return name;
    }
  }

  private static Case.Shape s(long... dims) {
    return new Case.Shape(dims);
  }

  private static Case unary(String name, Function<Value, Value> f) {
    return new Case(name, List.of(s(5, 7)), in -> f.apply(in.getFirst()));
  }

  private static Case of(String name, Function<List<Value>, Value> f, Case.Shape... shapes) {
    return new Case(name, List.of(shapes), f);
  }

  /** Positive and away from 0. */
  private static Value positive(Value x) {
    return Ops.shift(Ops.square(x), 0.3);
  }

  static Stream<Case> cases() {
    return Stream.of(
        unary("neg", Ops::neg),
        unary("scale", x -> Ops.scale(x, 2.5)),
        unary("shift", x -> Ops.square(Ops.shift(x, 0.7))),
        unary("abs", x -> Ops.mul(Ops.abs(x), x)),
        unary("square", Ops::square),
        unary("sqrt", x -> Ops.sqrt(positive(x))),
        unary("safe_rsqrt", x -> Ops.unary(Elementwise.UnaryKind.SAFE_RSQRT, positive(x))),
        unary("reciprocal", x -> Ops.reciprocal(positive(x))),
        unary("exp", Ops::exp),
        unary("log", x -> Ops.log(positive(x))),
        unary("tanh", Ops::tanh),
        unary("sigmoid", Ops::sigmoid),
        unary("softplus", Ops::softplus),
        unary("relu", x -> Ops.relu(Ops.mul(x, x))),
        unary("relu of x", Ops::relu),
        unary("leaky_relu", x -> Ops.leakyRelu(x, 0.2)),
        unary("silu", Ops::silu),
        unary("at_least", x -> Ops.atLeast(Ops.exp(x), 0.9)),
        unary("at_most", x -> Ops.atMost(Ops.exp(x), 0.9)),
        unary("sum rows", x -> Ops.square(Ops.sum(x, 0))),
        unary("sum columns", x -> Ops.square(Ops.sum(x, 1))),
        unary("sum all", x -> Ops.square(Ops.sum(x))),
        unary("mean", x -> Ops.exp(Ops.mean(x, 1))),
        unary(
            "reshape",
            x -> Ops.square(Ops.sum(Ops.reshape(x, dev.kantor.tensor.Shape.of(7, 5)), 0))),
        unary("transpose", x -> Ops.matmul(Ops.transpose(x, 0, 1), Ops.exp(x))),
        unary("slice rows", x -> Ops.exp(Ops.slice(x, 0, 1, 3))),
        unary("slice columns", x -> Ops.exp(Ops.slice(x, 1, 2, 4))),
        of(
            "translate",
            in -> Ops.square(Layers.translate(in.get(0), Ops.full(0.9, 2, 2), 1, 2)),
            s(2, 3, 4, 5)),
        of(
            "cutout",
            in -> Ops.exp(Ops.mul(in.get(0), Layers.cutoutMask(Ops.full(0.4, 2, 2), 2, 1, 4, 5))),
            s(2, 3, 4, 5)),
        unary("bce with logits 1", x -> Losses.bceWithLogits(x, 1)),
        unary("bce with logits 0", x -> Losses.bceWithLogits(x, 0)),
        unary("bce with logits 0.3", x -> Losses.bceWithLogits(x, 0.3)),
        unary("bce", x -> Losses.bce(Ops.sigmoid(x), 0.9)),
        unary("row penalty", x -> Losses.rowPenalty(x, 10, 1, false).value()),
        unary("row penalty, one-sided", x -> Losses.rowPenalty(x, 10, 1, true).value()),
        unary("row penalty, centre 0", x -> Losses.rowPenalty(x, 3, 0, false).value()),
        unary("row norms", x -> Losses.rowPenalty(x, 1, 1, false).norms()),
        of("add", in -> Ops.square(Ops.add(in.get(0), in.get(1))), s(4, 6), s(4, 6)),
        of("add bias", in -> Ops.tanh(Ops.add(in.get(0), in.get(1))), s(4, 6), s(6)),
        of("add column", in -> Ops.tanh(Ops.add(in.get(0), in.get(1))), s(4, 6), s(4, 1)),
        of("add channel", in -> Ops.tanh(Ops.add(in.get(0), in.get(1))), s(2, 3, 2, 2), s(3, 1, 1)),
        of("channel sum", in -> Ops.square(Ops.sum(in.get(0), 0, 2, 3)), s(2, 3, 2, 2)),
        of("middle sum", in -> Ops.square(Ops.sum(in.get(0), 1)), s(3, 4, 5)),
        of("sub", in -> Ops.square(Ops.sub(in.get(0), in.get(1))), s(4, 6), s(1, 6)),
        of("mul", in -> Ops.mul(in.get(0), in.get(1)), s(4, 6), s(4, 6)),
        of("mul scalar", in -> Ops.mul(in.get(0), in.get(1)), s(4, 6), s()),
        of("div", in -> Ops.div(in.get(0), positive(in.get(1))), s(4, 6), s(4, 6)),
        of("max", in -> Ops.square(Ops.max(in.get(0), in.get(1))), s(4, 6), s(4, 6)),
        of("min", in -> Ops.square(Ops.min(in.get(0), in.get(1))), s(4, 6), s(4, 6)),
        of("concat rows", in -> Ops.exp(Ops.concat(0, in.get(0), in.get(1))), s(2, 3), s(4, 3)),
        of("concat columns", in -> Ops.exp(Ops.concat(1, in.get(0), in.get(1))), s(2, 3), s(2, 4)),
        of(
            "concat channels",
            in -> Ops.exp(Ops.concat(1, in.get(0), in.get(1))),
            s(2, 3, 2, 3),
            s(2, 1, 2, 3)),
        of("slice channels", in -> Ops.exp(Ops.slice(in.get(0), 1, 1, 2)), s(2, 4, 3, 2)),
        of("matmul NN", in -> Ops.matmul(in.get(0), in.get(1), false, false), s(3, 5), s(5, 4)),
        of("matmul NT", in -> Ops.matmul(in.get(0), in.get(1), false, true), s(3, 5), s(4, 5)),
        of("matmul TN", in -> Ops.matmul(in.get(0), in.get(1), true, false), s(5, 3), s(5, 4)),
        of("matmul TT", in -> Ops.matmul(in.get(0), in.get(1), true, true), s(5, 3), s(4, 5)),
        of("outer product", in -> Ops.exp(Ops.matmul(in.get(0), in.get(1))), s(3, 1), s(1, 4)),
        of(
            "linear, leaky",
            in -> Ops.leakyRelu(Layers.linear(in.get(0), in.get(1), in.get(2)), 0.2),
            s(3, 5),
            s(4, 5),
            s(4)),
        of(
            "layer norm",
            in -> Ops.tanh(Layers.layerNorm(in.get(0), in.get(1), in.get(2), 1e-5)),
            s(4, 6),
            s(6),
            s(6)),
        of(
            "conv2d",
            in -> Layers.conv2d(in.get(0), in.get(1), 1, 1, 1),
            s(2, 3, 5, 4),
            s(4, 3, 3, 3)),
        of(
            "conv2d, stride 2",
            in -> Layers.conv2d(in.get(0), in.get(1), 2, 1, 1),
            s(2, 3, 6, 5),
            s(4, 3, 3, 3)),
        of(
            "conv2d, dilation 2",
            in -> Layers.conv2d(in.get(0), in.get(1), 1, 2, 2),
            s(1, 2, 6, 7),
            s(3, 2, 3, 2)),
        of(
            "conv2d, bias, leaky",
            in ->
                Ops.leakyRelu(
                    Ops.add(
                        Layers.conv2d(in.get(0), in.get(1), 1, 1, 1),
                        Ops.reshape(in.get(2), dev.kantor.tensor.Shape.of(4, 1, 1))),
                    0.2),
            s(2, 3, 4, 4),
            s(4, 3, 3, 3),
            s(4)),
        of(
            "conv_transpose2d",
            in -> Layers.convTranspose2d(in.get(0), in.get(1), 2, 1, 0, 1),
            s(2, 3, 4, 3),
            s(3, 2, 4, 4)),
        of(
            "conv_transpose2d, output padding",
            in -> Layers.convTranspose2d(in.get(0), in.get(1), 2, 1, 1, 1),
            s(2, 3, 4, 3),
            s(3, 2, 3, 3)),
        of("max_pool2d", in -> Ops.square(Layers.maxPool2d(in.get(0), 2, 2)), s(2, 3, 6, 5)),
        of(
            "max_pool2d, overlapping",
            in -> Ops.square(Layers.maxPool2d(in.get(0), 3, 2)),
            s(1, 2, 7, 7)),
        of("avg_pool2d", in -> Ops.square(Layers.avgPool2d(in.get(0), 2)), s(2, 3, 6, 5)),
        of("avg_pool2d, 3 x 3", in -> Ops.exp(Layers.avgPool2d(in.get(0), 3)), s(1, 2, 7, 6)),
        of(
            "upsample_nearest",
            in -> Ops.mul(Layers.upsampleNearest2d(in.get(0), 2), in.get(1)),
            s(2, 3, 3, 2),
            s(2, 3, 6, 4)),
        of(
            "upsample_nearest by 3",
            in -> Ops.exp(Layers.upsampleNearest2d(in.get(0), 3)),
            s(1, 2, 2, 3)),
        of(
            "instance norm",
            in -> Ops.tanh(Layers.instanceNorm(in.get(0), in.get(1), in.get(2), 1e-5)),
            s(3, 4, 3, 2),
            s(4),
            s(4)),
        of("dropout", in -> Ops.exp(Layers.dropout(in.get(0), in.get(1), 0.3)), s(4, 5), s(4, 5)),
        of(
            "gaussian divergence",
            in -> Losses.gaussianDivergence(in.get(0), in.get(1)),
            s(4, 5),
            s(4, 5)),
        of(
            "gaussian sample",
            in -> Ops.tanh(Layers.gaussian(in.get(0), in.get(1), in.get(2))),
            s(4, 5),
            s(4, 5),
            s(4, 5)),
        of(
            "batch norm of planes",
            in -> Ops.tanh(Layers.batchNorm(in.get(0), in.get(1), in.get(2), 1e-5).y()),
            s(3, 4, 3, 2),
            s(4),
            s(4)),
        of(
            "batch norm of rows",
            in -> Ops.tanh(Layers.batchNorm(in.get(0), in.get(1), in.get(2), 1e-5).y()),
            s(6, 4),
            s(4),
            s(4)),
        of(
            "batch statistics",
            in ->
                Ops.mul(
                    Layers.batchNorm(in.get(0), in.get(1), in.get(1), 1e-5).mean(),
                    Layers.batchNorm(in.get(0), in.get(1), in.get(1), 1e-5).variance()),
            s(3, 4, 3, 2),
            s(4)),
        unary("log sum exp", Losses::logSumExp),
        of("cross entropy", in -> Losses.crossEntropy(in.get(0), in.get(1)), s(4, 5), s(4, 5)),
        of(
            "penalty of a convolutional critic",
            in -> {
              Value x = in.get(0);
              Value h =
                  Layers.maxPool2d(Ops.leakyRelu(Layers.conv2d(x, in.get(1), 1, 1, 1), 0.2), 2, 2);
              Value g =
                  Gradients.grad(
                          List.of(Ops.sum(Ops.softplus(Layers.conv2d(h, in.get(2), 1, 0, 1)))),
                          List.of(x),
                          null,
                          true,
                          true)
                      .getFirst();
              return Losses.rowPenalty(
                      Ops.reshape(g, dev.kantor.tensor.Shape.of(2, 32)), 10, 1, false)
                  .value();
            },
            s(2, 2, 4, 4),
            s(3, 2, 3, 3),
            s(1, 3, 2, 2)),
        of(
            "penalty with batch norm",
            in -> {
              Value x = in.get(0);
              Value h =
                  Ops.tanh(
                      Layers.batchNorm(
                              Layers.conv2d(x, in.get(1), 1, 1, 1), in.get(2), in.get(3), 1e-5)
                          .y());
              Value g =
                  Gradients.grad(List.of(Ops.sum(Ops.square(h))), List.of(x), null, true, true)
                      .getFirst();
              return Losses.rowPenalty(
                      Ops.reshape(g, dev.kantor.tensor.Shape.of(2, 18)), 10, 1, false)
                  .value();
            },
            s(2, 2, 3, 3),
            s(3, 2, 3, 3),
            s(3),
            s(3)),
        of(
            "penalty of a critic of pooling, up-sampling and instance norm",
            in -> {
              Value x = in.get(0);
              Value h = Layers.conv2d(Layers.upsampleNearest2d(x, 2), in.get(1), 1, 1, 1);
              Value y = Ops.silu(Layers.instanceNorm(h, in.get(2), in.get(3), 1e-5));
              Value score = Ops.sum(Ops.softplus(Layers.avgPool2d(y, 3)));
              Value g = Gradients.grad(List.of(score), List.of(x), null, true, true).getFirst();
              return Losses.rowPenalty(
                      Ops.reshape(g, dev.kantor.tensor.Shape.of(2, 18)), 10, 1, false)
                  .value();
            },
            s(2, 2, 3, 3),
            s(3, 2, 3, 3),
            s(3),
            s(3)),
        of(
            "penalty with batch norm between smooth activations",
            in -> {
              Value x = in.get(0);
              Value h =
                  Layers.linear(Ops.sigmoid(Layers.linear(x, in.get(1), null)), in.get(2), null);
              Value y = Ops.softplus(Layers.batchNorm(h, in.get(3), in.get(4), 1e-5).y());
              Value g =
                  Gradients.grad(List.of(Ops.sum(Ops.tanh(y))), List.of(x), null, true, true)
                      .getFirst();
              return Losses.rowPenalty(g, 10, 1, false).value();
            },
            s(5, 4),
            s(6, 4),
            s(3, 6),
            s(3),
            s(3)),
        of(
            "penalty of a smooth critic",
            in -> penalty(in, Ops::tanh),
            s(4, 5),
            s(6, 5),
            s(6),
            s(1, 6)),
        of(
            "penalty of a leaky critic",
            in -> penalty(in, x -> Ops.leakyRelu(x, 0.2)),
            s(4, 5),
            s(6, 5),
            s(6),
            s(1, 6)),
        of(
            "penalty with layer norm",
            in -> {
              Value x = in.get(0);
              Value h =
                  Layers.layerNorm(
                      Layers.linear(x, in.get(1), in.get(2)), in.get(3), in.get(2), 1e-5);
              Value score = Ops.sum(Ops.softplus(h));
              Value g = Gradients.grad(List.of(score), List.of(x), null, true, true).getFirst();
              return Losses.rowPenalty(g, 10, 1, false).value();
            },
            s(4, 5),
            s(6, 5),
            s(6),
            s(6)));
  }

  private static Value penalty(List<Value> in, Function<Value, Value> activation) {
    Value score =
        Layers.linear(
            activation.apply(Layers.linear(in.get(0), in.get(1), in.get(2))), in.get(3), null);
    Value g =
        Gradients.grad(List.of(Ops.sum(score)), List.of(in.get(0)), null, true, true).getFirst();
    return Losses.rowPenalty(g, 10, 1, false).value();
  }

  /**
   * value, its gradients with cotangent v, and the gradients of the sum of those weighted by u:
   * forward, first, second.
   */
  private static Function<Map<String, Value>, Map<String, Value>> derivatives(Case c) {
    return in -> {
      List<Value> x = new ArrayList<>();
      for (int i = 0; i < c.inputs.size(); i++) {
        x.add(in.get("x" + i));
      }
      Map<String, Value> out = new LinkedHashMap<>();
      Value y = c.function.apply(x);
      out.put("y", y);
      Value weighted = Ops.sum(Ops.mul(y, Ops.shift(Ops.tanh(y), 0.5)));
      out.put("f", weighted);
      List<Value> first =
          Gradients.grad(List.of(weighted), x, null, new Gradients.Options(true, true, false));
      Value s = null;
      for (int i = 0; i < x.size(); i++) {
        out.put("g" + i, first.get(i));
        Value term = Ops.sum(Ops.mul(first.get(i), in.get("u" + i)));
        s = s == null ? term : Ops.add(s, term);
      }
      out.put("s", s);
      List<Value> second =
          Gradients.grad(List.of(s), x, null, new Gradients.Options(true, true, true));
      for (int i = 0; i < x.size(); i++) {
        out.put("h" + i, second.get(i) == null ? Ops.fullLike(x.get(i), 0) : second.get(i));
      }
      return out;
    };
  }

  private static List<Input> draw(Case c, long seed) {
    Random random = new Random(seed);
    List<Input> inputs = new ArrayList<>();
    for (int i = 0; i < c.inputs.size(); i++) {
      inputs.add(Programs.random("x" + i, random, c.inputs.get(i).dims()));
      inputs.add(Programs.random("u" + i, random, c.inputs.get(i).dims()));
    }
    return inputs;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsAreFiniteDifferences(Case c) {
    List<Input> inputs = draw(c, 11);
    Map<String, double[]> at =
        Programs.run(reference, Program.Options.DEFAULT, inputs, derivatives(c));
    // Central differences of the value and of the weighted gradient along the directions u.
    double h = 1e-5;
    Map<String, double[]> up =
        Programs.run(reference, Program.Options.DEFAULT, moved(c, inputs, h), derivatives(c));
    Map<String, double[]> down =
        Programs.run(reference, Program.Options.DEFAULT, moved(c, inputs, -h), derivatives(c));
    double first = 0;
    double second = 0;
    for (int i = 0; i < c.inputs.size(); i++) {
      first += dot(at.get("g" + i), inputs.get(2 * i + 1).contents());
      second += dot(at.get("h" + i), inputs.get(2 * i + 1).contents());
    }
    assertClose("first derivative", (up.get("f")[0] - down.get("f")[0]) / (2 * h), first, 1e-6);
    assertClose("second derivative", (up.get("s")[0] - down.get("s")[0]) / (2 * h), second, 1e-5);
  }

  private static List<Input> moved(Case c, List<Input> inputs, double h) {
    List<Input> result = new ArrayList<>(inputs);
    for (int i = 0; i < c.inputs.size(); i++) {
      double[] x = inputs.get(2 * i).contents().clone();
      for (int j = 0; j < x.length; j++) {
        x[j] += h * inputs.get(2 * i + 1).contents()[j];
      }
      result.set(2 * i, new Input("x" + i, x, c.inputs.get(i).dims()));
    }
    return result;
  }

  private static double dot(double[] a, double[] b) {
    double s = 0;
    for (int i = 0; i < a.length; i++) {
      s += a[i] * b[i];
    }
    return s;
  }

  private static void assertClose(String what, double numeric, double analytic, double tolerance) {
    double error = Math.abs(numeric - analytic) / Math.max(1, Math.abs(numeric));
    assertTrue(
        error < tolerance,
        () -> what + ": finite difference " + numeric + ", analytic " + analytic);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void cpuAgreesWithTheReferenceWhateverThePasses(Case c) {
    List<Input> inputs = draw(c, 12);
    Map<String, double[]> oracle =
        Programs.run(reference, new Program.Options(false, false), inputs, derivatives(c));
    Map<String, Program.Options> options = new HashMap<>();
    options.put("none", new Program.Options(false, false));
    options.put("merge", new Program.Options(true, false));
    options.put("fuse", new Program.Options(false, true));
    options.put("all", Program.Options.DEFAULT);
    options.forEach(
        (label, o) -> {
          Map<String, double[]> got = Programs.run(cpu, o, inputs, derivatives(c));
          oracle.forEach(
              (name, expected) -> {
                double error = Programs.distance(got.get(name), expected);
                double norm = Math.sqrt(dot(expected, expected));
                assertTrue(
                    error < 2e-5 || error * norm < 1e-6,
                    () ->
                        c
                            + ", passes: "
                            + label
                            + ", "
                            + name
                            + ": relative error "
                            + error
                            + " of norm "
                            + norm);
              });
        });
  }
}
