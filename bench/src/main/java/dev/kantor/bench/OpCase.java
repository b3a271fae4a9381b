package dev.kantor.bench;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An op on one shape, to be timed as a program that does nothing else.
 *
 * @param name shown in the table, and what JMH's {@code -p name=} takes
 * @param unit of {@code work}
 * @param work what one run does
 * @param slots everything it reads and writes
 * @param rival the same for libtorch
 */
record OpCase(
    String name, Unit unit, double work, List<Slot> slots, Trace.Body body, Request rival) {
  /**
   * What libtorch is asked to do, in the terms of {@code bench/libtorch}'s command {@code
   * bench-ops}.
   *
   * @param inputs the dims of each
   */
  record Request(String op, Map<String, Object> attributes, List<long[]> inputs) {
    static Request of(String op, Map<String, Object> attributes, Slot... inputs) {
      return new Request(
          op, attributes, Arrays.stream(inputs).map(slot -> slot.shape().dims()).toList());
    }
  }

  /** What is counted, and so what the rate is compared with. */
  enum Unit {
    /** Multiplications and additions; compared with a loop of fused multiply-adds in registers. */
    FLOP("GFLOP/s"),
    /** Bytes read and written, each operand once; compared with a copy of as many. */
    BYTE("GB/s"),
    /** Random numbers; there is nothing to compare with. */
    NUMBER("G/s");

    final String rate;

    Unit(String rate) {
      this.rate = rate;
    }
  }

  /** Images in the data set that is gathered from: MNIST's. */
  static final long IMAGES = 60_000;

  private static final long PIXELS = 784;
  private static final long CRITIC_PARAMETERS = 267_009; // 784 -> 256 -> 256 -> 1 with biases
  private static final long FLOAT = Float.BYTES;

  /**
   * Matrix products as the MLP variants have them at batch 64 and 512 (x2: real and fake images in
   * one pass, x3: interpolates as well), and what is around them; the convolutions of the
   * convolutional variants and of CVAE-GAN, and what is between those.
   */
  static final List<OpCase> ALL = all();

  OpCase {
    slots = List.copyOf(slots);
  }

  /**
   * The case of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static OpCase of(String name) {
    return ALL.stream()
        .filter(c -> c.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no case '"
                        + name
                        + "'; there are "
                        + ALL.stream().map(OpCase::name).toList()));
  }

  private static List<OpCase> all() {
    List<OpCase> c = new ArrayList<>();
    for (long batch : new long[] {64, 512}) {
      // Forward: x W^T. The critic sees two or three batches in one pass.
      c.add(product(batch, 256, 100, false, true));
      c.add(product(batch, 256, 256, false, true));
      c.add(product(batch, PIXELS, 256, false, true));
      c.add(product(2 * batch, 256, PIXELS, false, true));
      c.add(product(2 * batch, 1, 256, false, true));
      // The data's gradient: g W.
      c.add(product(batch, 256, PIXELS, false, false));
      c.add(product(batch, PIXELS, 256, false, false));
      // The weights' gradient: g^T x.
      c.add(product(256, PIXELS, 2 * batch, true, false));
      c.add(product(256, 256, 2 * batch, true, false));
      c.add(product(PIXELS, 256, batch, true, false));
    }
    c.add(product(192, 256, PIXELS, false, true));
    c.add(product(256, PIXELS, 192, true, false));
    c.add(product(512, 512, 512, false, false));
    for (long batch : new long[] {64, 512}) {
      c.add(add(batch, PIXELS));
      c.add(tanh(batch, PIXELS));
      c.add(sum("sum all", batch, PIXELS, 0, 1));
      c.add(sum("sum rows", batch, PIXELS, 1));
      c.add(sum("sum columns", batch, 256, 0));
      c.add(layerNorm(batch, 256));
      c.add(gather(batch));
    }
    c.add(normal(64, 100));
    c.add(normal(512, 512));
    c.add(adam(CRITIC_PARAMETERS));
    for (Conv conv :
        List.of(
            new Conv(64, 1, 56, 64, 1),
            new Conv(64, 64, 56, 32, 1),
            new Conv(64, 32, 56, 1, 2),
            new Conv(64, 1, 28, 32, 1),
            new Conv(64, 32, 14, 64, 1),
            new Conv(64, 16, 14, 32, 2),
            new Conv(64, 32, 7, 32, 1))) {
      c.add(conv.forward());
      c.add(conv.dataGrad());
      c.add(conv.weightGrad());
    }
    c.add(batchNorm(64, 32, 56));
    c.add(batchNorm(64, 16, 14));
    c.add(maxPool(64, 32, 28));
    c.add(maxPool(64, 64, 14));
    return List.copyOf(c);
  }

  private static OpCase product(long m, long n, long k, boolean transposeA, boolean transposeB) {
    Slot a = transposeA ? Slot.f32("a", k, m) : Slot.f32("a", m, k);
    Slot b = transposeB ? Slot.f32("b", n, k) : Slot.f32("b", k, n);
    Slot result = Slot.f32("result", m, n);
    String kind = (transposeA ? "t" : "n") + (transposeB ? "t" : "n");
    return new OpCase(
        String.format(Locale.ROOT, "gemm-%s %dx%dx%d", kind, m, n, k),
        Unit.FLOP,
        2.0 * m * n * k,
        List.of(a, b, result),
        t -> t.write(result, Ops.matmul(t.read(a), t.read(b), transposeA, transposeB)),
        Request.of("matmul", Map.of("transpose_a", transposeA, "transpose_b", transposeB), a, b));
  }

  /** A 3x3 convolution of square planes, padded by 1; each of the three ops has its FLOPs. */
  private record Conv(long images, long in, long side, long out, long stride) {
    private long outSide() {
      return (side - 1) / stride + 1;
    }

    private Slot image() {
      return Slot.f32("x", images, in, side, side);
    }

    private Slot weight() {
      return Slot.f32("w", out, in, 3, 3);
    }

    private Slot output() {
      return Slot.f32("y", images, out, outSide(), outSide());
    }

    private OpCase of(
        String op, List<Slot> slots, Trace.Body body, Map<String, Object> of, Slot... inputs) {
      Map<String, Object> attributes = new HashMap<>(Map.of("stride", stride, "padding", 1));
      attributes.putAll(of);
      return new OpCase(
          String.format(
              Locale.ROOT, "%s %dx%d>%d %dx%d/%d", op, images, in, out, side, side, stride),
          Unit.FLOP,
          2.0 * images * out * outSide() * outSide() * in * 9,
          slots,
          body,
          Request.of(op, attributes, inputs));
    }

    OpCase forward() {
      Slot x = image();
      Slot w = weight();
      Slot y = output();
      return of(
          "conv2d",
          List.of(x, w, y),
          t -> t.write(y, Layers.conv2d(t.read(x), t.read(w), stride, 1, 1)),
          Map.of(),
          x,
          w);
    }

    OpCase dataGrad() {
      Slot x = image();
      Slot w = weight();
      Slot dy = output();
      long outputPadding = side - ((outSide() - 1) * stride + 1);
      return of(
          "conv2d_data_grad",
          List.of(dy, w, x),
          t ->
              t.write(
                  x, Layers.convTranspose2d(t.read(dy), t.read(w), stride, 1, outputPadding, 1)),
          Map.of("image", x.shape().dims()),
          dy,
          w);
    }

    OpCase weightGrad() {
      Slot x = image();
      Slot w = weight();
      Slot dy = output();
      Slot dw = Slot.f32("dw", w.shape().dims());
      return of(
          "conv2d_weight_grad",
          List.of(dy, x, w, dw),
          t -> {
            Value weight = t.read(w);
            Value y = Layers.conv2d(t.read(x), weight, stride, 1, 1);
            t.write(
                dw,
                Gradients.grad(List.of(y), List.of(weight), List.of(t.read(dy)), false, false)
                    .getFirst());
          },
          Map.of("weight", w.shape().dims()),
          dy,
          x);
    }
  }

  private static OpCase batchNorm(long images, long channels, long side) {
    Slot x = Slot.f32("x", images, channels, side, side);
    Slot gamma = Slot.f32("gamma", channels);
    Slot beta = Slot.f32("beta", channels);
    Slot result = Slot.f32("result", x.shape().dims());
    return new OpCase(
        name("batch-norm", x.shape().dims()),
        Unit.BYTE,
        3.0 * FLOAT * x.shape().count(), // x is read twice
        List.of(x, gamma, beta, result),
        t -> t.write(result, Layers.batchNorm(t.read(x), t.read(gamma), t.read(beta), 1e-5).y()),
        Request.of("batch_norm", Map.of(), x, gamma, beta));
  }

  private static OpCase maxPool(long images, long channels, long side) {
    Slot x = Slot.f32("x", images, channels, side, side);
    Slot result = Slot.f32("result", images, channels, side / 2, side / 2);
    return new OpCase(
        name("max-pool", x.shape().dims()),
        Unit.BYTE,
        FLOAT * (x.shape().count() + 2.0 * result.shape().count()), // values and their places
        List.of(x, result),
        t -> t.write(result, Layers.maxPool2d(t.read(x), 2, 2)),
        Request.of("max_pool2d", Map.of("kernel", 2), x));
  }

  private static OpCase add(long rows, long columns) {
    Slot a = Slot.f32("a", rows, columns);
    Slot b = Slot.f32("b", rows, columns);
    Slot result = Slot.f32("result", rows, columns);
    return new OpCase(
        name("add", rows, columns),
        Unit.BYTE,
        3.0 * FLOAT * rows * columns,
        List.of(a, b, result),
        t -> t.write(result, Ops.add(t.read(a), t.read(b))),
        Request.of("add", Map.of(), a, b));
  }

  private static OpCase tanh(long rows, long columns) {
    Slot x = Slot.f32("x", rows, columns);
    Slot result = Slot.f32("result", rows, columns);
    return new OpCase(
        name("tanh", rows, columns),
        Unit.BYTE,
        2.0 * FLOAT * rows * columns,
        List.of(x, result),
        t -> t.write(result, Ops.tanh(t.read(x))),
        Request.of("tanh", Map.of(), x));
  }

  private static OpCase sum(String kind, long rows, long columns, int... axes) {
    Slot x = Slot.f32("x", rows, columns);
    Slot result =
        new Slot(
            "result",
            DType.F32,
            axes.length == 2 ? Shape.of() : Shape.of(axes[0] == 0 ? columns : rows));
    double bytes = FLOAT * (rows * columns + result.shape().count());
    return new OpCase(
        name(kind, rows, columns),
        Unit.BYTE,
        bytes,
        List.of(x, result),
        t -> t.write(result, Ops.sum(t.read(x), axes)),
        Request.of("sum", Map.of("dims", axes), x));
  }

  private static OpCase layerNorm(long rows, long columns) {
    Slot x = Slot.f32("x", rows, columns);
    Slot gamma = Slot.f32("gamma", columns);
    Slot beta = Slot.f32("beta", columns);
    Slot result = Slot.f32("result", rows, columns);
    return new OpCase(
        name("layer-norm", rows, columns),
        Unit.BYTE,
        2.0 * FLOAT * (rows * columns + columns),
        List.of(x, gamma, beta, result),
        t -> t.write(result, Layers.layerNorm(t.read(x), t.read(gamma), t.read(beta), 1e-5)),
        Request.of("layer_norm", Map.of(), x, gamma, beta));
  }

  private static OpCase gather(long rows) {
    Slot data = new Slot("data", DType.U8, Shape.of(IMAGES, PIXELS));
    Slot indices = new Slot("indices", DType.I32, Shape.of(rows));
    Slot result = Slot.f32("result", rows, PIXELS);
    return new OpCase(
        name("gather", rows, PIXELS),
        Unit.BYTE,
        (1.0 + FLOAT) * rows * PIXELS,
        List.of(data, indices, result),
        t -> t.write(result, t.gather(data, t.read(indices), 2.0 / 255, -1)),
        Request.of("gather", Map.of(), data, indices));
  }

  private static OpCase normal(long rows, long columns) {
    Slot seed = Slot.counter("seed");
    Slot counter = Slot.counter("counter");
    Slot result = Slot.f32("result", rows, columns);
    return new OpCase(
        name("normal", rows, columns),
        Unit.NUMBER,
        (double) rows * columns,
        List.of(seed, counter, result),
        t -> t.write(result, t.normal(new Trace.Clock(seed, counter, 1, 0), rows, columns)),
        Request.of("normal", Map.of(), result));
  }

  private static OpCase adam(long parameters) {
    Slot hyper = Slot.f32("hyper", 8);
    Slot step = Slot.counter("step");
    Slot p = Slot.f32("p", parameters);
    Slot g = Slot.f32("g", parameters);
    Slot first = Slot.f32("first", parameters);
    Slot second = Slot.f32("second", parameters);
    Trace.Updated updated = new Trace.Updated(p, first, second, null, false, false);
    return new OpCase(
        name("adam", parameters),
        Unit.BYTE,
        7.0 * FLOAT * parameters,
        List.of(hyper, step, p, g, first, second),
        t -> t.optimize(Trace.Rule.ADAM, t.read(hyper), step, List.of(updated), List.of(t.read(g))),
        Request.of("adam", Map.of(), p));
  }

  private static String name(String op, long... dims) {
    return op + " " + String.join("x", Arrays.stream(dims).mapToObj(Long::toString).toList());
  }
}
