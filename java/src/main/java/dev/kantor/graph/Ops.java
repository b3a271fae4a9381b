package dev.kantor.graph;

import dev.kantor.graph.Elementwise.BinaryKind;
import dev.kantor.graph.Elementwise.Fill;
import dev.kantor.graph.Elementwise.UnaryKind;
import dev.kantor.tensor.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The operations on {@link Value}s. While a {@link Trace} is open on the calling thread they record
 * nodes in it; otherwise each runs at once on {@link dev.kantor.tensor.Device#shared()}.
 *
 * <p>Binary operations broadcast as NumPy does. Every operation throws {@link
 * IllegalArgumentException} naming itself, the shapes and what it expected.
 */
public final class Ops {
  private Ops() {}

  /** A tensor of these contents, row-major, for use outside a trace. */
  public static Value tensor(float[] contents, long... dims) {
    Shape shape = Shape.of(dims);
    if (contents.length != shape.count()) {
      throw new IllegalArgumentException(
          contents.length + " numbers for shape " + shape + ", which has " + shape.count());
    }
    Value v = new Node(new Immediate.Given(Spec.f32(shape)), List.of()).output();
    v.data = Arena.ofAuto().allocate(Math.max(4L * contents.length, 4), 64);
    java.lang.foreign.MemorySegment.copy(
        contents, 0, v.data, ValueLayout.JAVA_FLOAT, 0, contents.length);
    return v;
  }

  /** A scalar for use outside a trace. */
  public static Value scalar(float value) {
    return tensor(new float[] {value});
  }

  /** A constant tensor. */
  public static Value full(double value, long... dims) {
    return apply(new Fill(Spec.f32(Shape.of(dims)), (float) value));
  }

  /** A constant with the type and shape of another value. */
  public static Value fullLike(Value like, double value) {
    return apply(Fill.like(like, value));
  }

  public static Value add(Value a, Value b) {
    if (isConstant(a, 0) && b.shape().equals(Shape.broadcast(a.shape(), b.shape()))) {
      return b;
    }
    if (isConstant(b, 0) && a.shape().equals(Shape.broadcast(a.shape(), b.shape()))) {
      return a;
    }
    return binary(BinaryKind.ADD, a, b);
  }

  public static Value sub(Value a, Value b) {
    return isConstant(b, 0) && a.shape().equals(Shape.broadcast(a.shape(), b.shape()))
        ? a
        : binary(BinaryKind.SUB, a, b);
  }

  public static Value mul(Value a, Value b) {
    OptionalDouble ca = constant(a);
    OptionalDouble cb = constant(b);
    if (ca.isPresent() || cb.isPresent()) {
      Value other = broadcast(ca.isPresent() ? b : a, Shape.broadcast(a.shape(), b.shape()));
      return scale(other, ca.isPresent() ? ca.getAsDouble() : cb.getAsDouble());
    }
    return binary(BinaryKind.MUL, a, b);
  }

  public static Value div(Value a, Value b) {
    return binary(BinaryKind.DIV, a, b);
  }

  /** The larger of two, elementwise; where they are equal the gradient goes to {@code b}. */
  public static Value max(Value a, Value b) {
    return binary(BinaryKind.MAX, a, b);
  }

  /** The smaller of two, elementwise; where they are equal the gradient goes to {@code b}. */
  public static Value min(Value a, Value b) {
    return binary(BinaryKind.MIN, a, b);
  }

  /** x * factor. */
  public static Value scale(Value x, double factor) {
    OptionalDouble c = constant(x);
    if (c.isPresent()) {
      return fullLike(x, c.getAsDouble() * factor);
    }
    if (factor == 1) {
      return x;
    }
    if (factor == 0) {
      return fullLike(x, 0);
    }
    return unary(UnaryKind.SCALE, (float) factor, x);
  }

  /** x + amount. */
  public static Value shift(Value x, double amount) {
    return amount == 0 ? x : unary(UnaryKind.SHIFT, (float) amount, x);
  }

  public static Value neg(Value x) {
    return scale(x, -1);
  }

  /** |x|, with subgradient 0 at 0. */
  public static Value abs(Value x) {
    return unary(UnaryKind.ABS, x);
  }

  public static Value square(Value x) {
    return unary(UnaryKind.SQUARE, x);
  }

  /** The square root, with gradient 0 at 0 (so that the norm's subgradient at the origin is 0). */
  public static Value sqrt(Value x) {
    return unary(UnaryKind.SQRT, x);
  }

  public static Value reciprocal(Value x) {
    return unary(UnaryKind.RECIPROCAL, x);
  }

  public static Value exp(Value x) {
    return unary(UnaryKind.EXP, x);
  }

  /** The natural logarithm. */
  public static Value log(Value x) {
    return unary(UnaryKind.LOG, x);
  }

  public static Value tanh(Value x) {
    return unary(UnaryKind.TANH, x);
  }

  /** 1 / (1 + e^-x). */
  public static Value sigmoid(Value x) {
    return unary(UnaryKind.SIGMOID, x);
  }

  /** log(1 + e^x), without overflow. */
  public static Value softplus(Value x) {
    return unary(UnaryKind.SOFTPLUS, x);
  }

  /** max(x, 0), with gradient 0 at 0. */
  public static Value relu(Value x) {
    return unary(UnaryKind.RELU, x);
  }

  /** x where positive, else slope * x (Maas et al. 2013). */
  public static Value leakyRelu(Value x, double slope) {
    return unary(UnaryKind.LEAKY_RELU, (float) slope, x);
  }

  /** x * sigmoid(x) (Elfwing et al. 2018). */
  public static Value silu(Value x) {
    return mul(x, sigmoid(x));
  }

  /** max(x, floor); the gradient passes where x is above. */
  public static Value atLeast(Value x, double floor) {
    return unary(UnaryKind.MAX_SCALAR, (float) floor, x);
  }

  /** min(x, ceiling); the gradient passes where x is below. */
  public static Value atMost(Value x, double ceiling) {
    return unary(UnaryKind.MIN_SCALAR, (float) ceiling, x);
  }

  /** Repeats x to a shape, as NumPy broadcasts. */
  public static Value broadcast(Value x, Shape shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    OptionalDouble c = constant(x);
    if (c.isPresent()) {
      return apply(new Fill(new Spec(x.dtype(), shape), (float) c.getAsDouble()));
    }
    return Domain.of(shape, List.of(x.shape()), null).isPresent()
        ? apply(new Structural.Broadcast(shape), x)
        : broadcastByAxis(x, shape);
  }

  /**
   * For axes that no kernel repeats together: one after the other, each moved to the end for it.
   */
  private static Value broadcastByAxis(Value x, Shape shape) {
    long[] dims = new long[shape.rank()];
    Arrays.fill(dims, 1);
    System.arraycopy(x.shape().dims(), 0, dims, shape.rank() - x.shape().rank(), x.shape().rank());
    Value v = reshape(x, Shape.of(dims));
    int last = shape.rank() - 1;
    for (int axis = 0; axis <= last; axis++) {
      if (v.shape().dim(axis) != shape.dim(axis)) {
        Value moved = axis == last ? v : transpose(v, axis, last);
        Value repeated = broadcast(moved, moved.shape().with(last, shape.dim(axis)));
        v = axis == last ? repeated : transpose(repeated, axis, last);
      }
    }
    return v;
  }

  /** Sums x over the axes along which {@code shape} would be broadcast to x's. */
  public static Value sumTo(Value x, Shape shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    if (x.shape().count() == shape.count()) {
      return reshape(x, shape);
    }
    OptionalDouble c = constant(x);
    if (c.isPresent()) {
      double times = (double) x.shape().count() / shape.count();
      return apply(new Fill(new Spec(x.dtype(), shape), (float) (c.getAsDouble() * times)));
    }
    return Domain.of(x.shape(), List.of(), shape).isPresent()
        ? apply(new Structural.SumTo(shape), x)
        : sumByAxis(x, shape);
  }

  /** For axes that no kernel sums together: one after the other, each moved to the end for it. */
  private static Value sumByAxis(Value x, Shape shape) {
    Value v = x;
    int last = x.shape().rank() - 1;
    for (int axis = 0; axis <= last; axis++) {
      int i = axis - (x.shape().rank() - shape.rank());
      if (v.shape().dim(axis) != 1 && (i < 0 || shape.dim(i) == 1)) {
        Value moved = axis == last ? v : transpose(v, axis, last);
        Value summed = sumTo(moved, moved.shape().with(last, 1));
        v = axis == last ? summed : transpose(summed, axis, last);
      }
    }
    return reshape(v, shape);
  }

  /** The sum over the given axes, which are dropped; over all axes if none is given. */
  public static Value sum(Value x, int... axes) {
    long[] kept = x.shape().dims();
    List<Long> dropped = new ArrayList<>();
    if (axes.length == 0) {
      Arrays.fill(kept, 1);
    }
    for (int axis : axes) {
      kept[Math.floorMod(axis, kept.length)] = 1;
    }
    for (int i = 0; i < kept.length; i++) {
      int at = i;
      boolean reduced =
          axes.length == 0
              || Arrays.stream(axes).anyMatch(a -> Math.floorMod(a, kept.length) == at);
      if (!reduced) {
        dropped.add(kept[i]);
      }
    }
    Shape result = Shape.of(dropped.stream().mapToLong(Long::longValue).toArray());
    return reshape(sumTo(x, Shape.of(kept)), result);
  }

  /** The mean over the given axes, which are dropped; over all axes if none is given. */
  public static Value mean(Value x, int... axes) {
    Value s = sum(x, axes);
    return scale(s, (double) s.shape().count() / x.shape().count());
  }

  public static Value reshape(Value x, Shape shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    OptionalDouble c = constant(x);
    if (c.isPresent()) {
      return apply(new Fill(new Spec(x.dtype(), shape), (float) c.getAsDouble()));
    }
    return apply(new Structural.Reshape(shape), x);
  }

  /** The range [start, start + length) of an axis. */
  public static Value slice(Value x, int axis, long start, long length) {
    if (start == 0 && length == x.shape().dim(axis)) {
      return x;
    }
    OptionalDouble c = constant(x);
    if (c.isPresent()) {
      return apply(
          new Fill(new Spec(x.dtype(), x.shape().with(axis, length)), (float) c.getAsDouble()));
    }
    return apply(new Structural.Slice(axis, start, length), x);
  }

  /** One after the other along an axis. */
  public static Value concat(int axis, Value... parts) {
    return parts.length == 1 ? parts[0] : apply(new Structural.Concat(axis), parts);
  }

  /** Exchanges two axes. */
  public static Value transpose(Value x, int first, int second) {
    return apply(new Structural.Transpose(first, second), x);
  }

  /** The product of two matrices. */
  public static Value matmul(Value a, Value b) {
    return matmul(a, b, false, false);
  }

  /** The product of two matrices, each transposed first where asked. */
  public static Value matmul(Value a, Value b, boolean transposeA, boolean transposeB) {
    if (a.shape().rank() == 2
        && b.shape().rank() == 2
        && a.shape().dim(transposeA ? 0 : 1) == 1
        && b.shape().dim(transposeB ? 1 : 0) == 1) {
      // An outer product is a broadcast multiplication, which fuses with what follows.
      return mul(
          reshape(a, Shape.of(a.shape().count(), 1)), reshape(b, Shape.of(1, b.shape().count())));
    }
    OptionalDouble ca = constant(a);
    OptionalDouble cb = constant(b);
    if ((ca.isPresent() || cb.isPresent()) && a.shape().rank() == 2 && b.shape().rank() == 2) {
      // A constant factor leaves the sums of the other's rows or columns.
      Shape product =
          new Structural.MatMul(transposeA, transposeB).infer(List.of(a, b)).getFirst().shape();
      Value sums =
          ca.isPresent()
              ? reshape(sum(b, transposeB ? 1 : 0), Shape.of(1, product.dim(1)))
              : reshape(sum(a, transposeA ? 0 : 1), Shape.of(product.dim(0), 1));
      return broadcast(scale(sums, ca.isPresent() ? ca.getAsDouble() : cb.getAsDouble()), product);
    }
    return apply(new Structural.MatMul(transposeA, transposeB), a, b);
  }

  /** The same value, which gradients take for a constant. */
  public static Value detach(Value x) {
    return apply(new Structural.Detach(), x);
  }

  /** The column of each row's largest element, i32 [rows]; among equals the first. */
  public static Value argmax(Value x) {
    long rows = x.shape().dim(0);
    long columns = x.shape().count() / rows;
    Value planes = reshape(x, Shape.of(rows, 1, 1, columns));
    Value index = node(new Convolution.MaxPool(1, columns, 1, 1), planes).outputs.get(1);
    return reshape(index, Shape.of(rows));
  }

  /** Rows with 1 in their label's column and 0 elsewhere, [rows, classes] of i32 [rows]. */
  public static Value oneHot(Value labels, long classes) {
    return apply(new Sources.OneHot(classes), labels);
  }

  /** The same value as a node of its own, until {@link Simplify} takes it out. */
  static Value identity(Value x) {
    return unary(UnaryKind.SCALE, 1f, x);
  }

  static Value unary(UnaryKind kind, Value x) {
    return unary(kind, 0f, x);
  }

  static Value unary(UnaryKind kind, float immediate, Value x) {
    return apply(new Elementwise.Unary(kind, immediate), x);
  }

  static Value binary(BinaryKind kind, Value a, Value b) {
    Shape shape;
    try {
      shape = Shape.broadcast(a.shape(), b.shape());
    } catch (IllegalArgumentException e) {
      throw Op.mismatch(
          kind.name().toLowerCase(java.util.Locale.ROOT),
          "operands are %s and %s, which do not broadcast",
          a.spec(),
          b.spec());
    }
    return apply(new Elementwise.Binary(kind), broadcast(a, shape), broadcast(b, shape));
  }

  static Value apply(Op op, Value... inputs) {
    return node(op, inputs).output();
  }

  static Node node(Op op, Value... inputs) {
    Trace trace = Trace.current();
    return trace != null ? trace.record(op, List.of(inputs)) : Immediate.run(op, List.of(inputs));
  }

  static boolean isConstant(Value v, double value) {
    OptionalDouble c = constant(v);
    return c.isPresent() && c.getAsDouble() == value;
  }

  static OptionalDouble constant(Value v) {
    return v.node.op instanceof Fill f ? OptionalDouble.of(f.value()) : OptionalDouble.empty();
  }
}
