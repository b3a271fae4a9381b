package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Convolution, its gradient with respect to the data (which is the transposed convolution) and with
 * respect to the weight. Each one's derivatives are the other two.
 */
interface Convolution extends Op {
  Geometry geometry();

  /**
   * How a kernel moves over a plane.
   *
   * @param stride rows and columns from one window to the next
   * @param padding zeros on each side
   * @param dilation distance of a window's elements
   */
  record Geometry(
      long strideH, long strideW, long padH, long padW, long dilationH, long dilationW) {
    public Geometry {
      if (strideH < 1 || strideW < 1 || padH < 0 || padW < 0 || dilationH < 1 || dilationW < 1) {
        throw new IllegalArgumentException(
            "convolution: strides and dilations must be positive, padding not negative: "
                + strideH
                + ", "
                + strideW
                + ", "
                + dilationH
                + ", "
                + dilationW
                + ", "
                + padH
                + ", "
                + padW);
      }
    }

    static Geometry square(long stride, long padding, long dilation) {
      return new Geometry(stride, stride, padding, padding, dilation, dilation);
    }

    /**
     * Extent of the output for an input and a kernel extent; not positive if the kernel does not
     * fit.
     */
    long outH(long h, long r) {
      return Math.floorDiv(h + 2 * padH - dilationH * (r - 1) - 1, strideH) + 1;
    }

    long outW(long w, long s) {
      return Math.floorDiv(w + 2 * padW - dilationW * (s - 1) - 1, strideW) + 1;
    }

    List<Long> words() {
      return List.of(strideH, strideW, padH, padW, dilationH, dilationW);
    }
  }

  /** Those that make planes of planes and a weight. */
  interface OfPlanes extends Convolution {
    /**
     * What it makes.
     *
     * @param label of the op that asks, for errors
     * @throws IllegalArgumentException if planes and weight do not fit
     */
    Spec planes(String label, Spec planes, Spec weight);

    /** Its arithmetic operations. */
    long work(Spec planes, Spec weight, Spec made);

    @Override
    default List<Spec> infer(List<Value> in) {
      return List.of(planes(label(), in.get(0).spec(), in.get(1).spec()));
    }

    @Override
    default long flops(Node node) {
      return work(node.inputs.get(0).spec(), node.inputs.get(1).spec(), node.output().spec());
    }
  }

  /** Y [N, O, P, Q] of X [N, C, H, W] and W [O, C, R, S] (conv2d.h). */
  record Conv2d(Geometry geometry) implements OfPlanes {
    @Override
    public Spec planes(String label, Spec x, Spec w) {
      requireFourAxes(label, x, w);
      if (x.shape().dim(1) != w.shape().dim(1)) {
        throw Op.mismatch(
            label,
            "weight is %s but the input has %d channels; expected [*, %d, *, *]",
            w.shape(),
            x.shape().dim(1),
            x.shape().dim(1));
      }
      long p = geometry.outH(x.shape().dim(2), w.shape().dim(2));
      long q = geometry.outW(x.shape().dim(3), w.shape().dim(3));
      if (p < 1 || q < 1) {
        throw Op.mismatch(
            label, "the kernel of %s does not fit the planes of %s with %s", w, x, geometry);
      }
      return new Spec(x.dtype(), Shape.of(x.shape().dim(0), w.shape().dim(0), p, q));
    }

    @Override
    public long work(Spec x, Spec w, Spec made) {
      return Convolution.work(made, w);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value x = node.inputs.get(0);
      Value w = node.inputs.get(1);
      Value g = gs.getFirst();
      return List.of(
          Ops.apply(new DataGrad(geometry, x.shape().dim(2), x.shape().dim(3)), g, w),
          Ops.apply(new WeightGrad(geometry, w.shape().dim(2), w.shape().dim(3)), g, x));
    }
  }

  /** dX [N, C, height, width] of dY [N, O, P, Q] and W [O, C, R, S] (conv2d_data_grad.h). */
  record DataGrad(Geometry geometry, long height, long width) implements OfPlanes {
    @Override
    public String label() {
      return "conv_transpose2d";
    }

    @Override
    public Spec planes(String label, Spec y, Spec w) {
      requireFourAxes(label, y, w);
      if (y.shape().dim(1) != w.shape().dim(0)) {
        throw Op.mismatch(
            label,
            "weight is %s but the input has %d channels; expected [%d, *, *, *]",
            w.shape(),
            y.shape().dim(1),
            y.shape().dim(1));
      }
      if (height < 1
          || width < 1
          || geometry.outH(height, w.shape().dim(2)) != y.shape().dim(2)
          || geometry.outW(width, w.shape().dim(3)) != y.shape().dim(3)) {
        throw Op.mismatch(
            label,
            "planes of %d x %d do not come from %s with weight %s and %s; the output padding must"
                + " be below the stride",
            height,
            width,
            y,
            w,
            geometry);
      }
      return new Spec(y.dtype(), Shape.of(y.shape().dim(0), w.shape().dim(1), height, width));
    }

    @Override
    public long work(Spec y, Spec w, Spec made) {
      return Convolution.work(y, w);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value y = node.inputs.get(0);
      Value w = node.inputs.get(1);
      Value g = gs.getFirst();
      return List.of(
          Ops.apply(new Conv2d(geometry), g, w),
          Ops.apply(new WeightGrad(geometry, w.shape().dim(2), w.shape().dim(3)), y, g));
    }
  }

  /** dW [O, C, height, width] of dY [N, O, P, Q] and X [N, C, H, W] (conv2d_weight_grad.h). */
  record WeightGrad(Geometry geometry, long height, long width) implements Convolution {
    @Override
    public String label() {
      return "conv2d_weight_grad";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value y = in.get(0);
      Value x = in.get(1);
      requireFourAxes(label(), y.spec(), x.spec());
      if (y.shape().dim(0) != x.shape().dim(0)
          || geometry.outH(x.shape().dim(2), height) != y.shape().dim(2)
          || geometry.outW(x.shape().dim(3), width) != y.shape().dim(3)) {
        throw Op.mismatch(
            label(),
            "dY is %s and X %s, which do not belong together for a %d x %d kernel and %s",
            y.spec(),
            x.spec(),
            height,
            width,
            geometry);
      }
      return List.of(
          new Spec(x.dtype(), Shape.of(y.shape().dim(1), x.shape().dim(1), height, width)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value y = node.inputs.get(0);
      Value x = node.inputs.get(1);
      Value u = gs.getFirst();
      return List.of(
          Ops.apply(new Conv2d(geometry), x, u),
          Ops.apply(new DataGrad(geometry, x.shape().dim(2), x.shape().dim(3)), y, u));
    }

    @Override
    public long flops(Node node) {
      return work(node.inputs.get(0).spec(), node.output().spec());
    }
  }

  /**
   * Multiplications and additions: for each element of the small side, a window of the large one.
   */
  static long work(Spec small, Spec weight) {
    return 2 * small.shape().count() * weight.shape().product(1, 4);
  }

  private static void requireFourAxes(String label, Spec a, Spec b) {
    if (a.shape().rank() != 4
        || b.shape().rank() != 4
        || a.dtype() != b.dtype()
        || !a.dtype().isFloating()) {
      throw Op.mismatch(
          label,
          "operands are %s and %s; expected four axes and one floating-point type each",
          a,
          b);
    }
  }

  /** Values [N, C, P, Q] and argmax i32 of windows of X [N, C, H, W] (max_pool.h). */
  record MaxPool(long kernelH, long kernelW, long strideH, long strideW) implements Op {
    @Override
    public String label() {
      return "max_pool";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (x.shape().rank() != 4
          || kernelH < 1
          || kernelW < 1
          || strideH < 1
          || strideW < 1
          || x.shape().dim(2) < kernelH
          || x.shape().dim(3) < kernelW) {
        throw Op.mismatch(
            label(),
            "windows of %d x %d, stride %d x %d, do not fit %s",
            kernelH,
            kernelW,
            strideH,
            strideW,
            x.spec());
      }
      Shape out =
          Shape.of(
              x.shape().dim(0),
              x.shape().dim(1),
              (x.shape().dim(2) - kernelH) / strideH + 1,
              (x.shape().dim(3) - kernelW) / strideW + 1);
      return List.of(new Spec(x.dtype(), out), new Spec(DType.I32, out));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      Shape x = node.inputs.getFirst().shape();
      return List.of(
          Ops.apply(new PoolScatter(x.dim(2), x.dim(3)), g.getFirst(), node.outputs.get(1)));
    }
  }

  /**
   * Each value to its place in a plane (pool_scatter.h). Inputs: [N, C, P, Q], index i32 of the
   * same shape.
   */
  record PoolScatter(long height, long width) implements Op {
    @Override
    public String label() {
      return "pool_scatter";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value y = in.get(0);
      requireIndex(label(), y.shape(), in.get(1));
      return List.of(
          new Spec(y.dtype(), Shape.of(y.shape().dim(0), y.shape().dim(1), height, width)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(Ops.apply(new PoolGather(), g.getFirst(), node.inputs.get(1)), null);
    }
  }

  /** Values of a plane by index (pool_gather.h). Inputs: [N, C, H, W], index i32 [N, C, P, Q]. */
  record PoolGather() implements Op {
    @Override
    public String label() {
      return "pool_gather";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      requireIndex(label(), in.get(1).shape(), in.get(1));
      return List.of(new Spec(in.get(0).dtype(), in.get(1).shape()));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      Shape x = node.inputs.getFirst().shape();
      return Arrays.asList(
          Ops.apply(new PoolScatter(x.dim(2), x.dim(3)), g.getFirst(), node.inputs.get(1)), null);
    }
  }

  private static void requireIndex(String label, Shape values, Value index) {
    if (values.rank() != 4 || index.dtype() != DType.I32 || !index.shape().equals(values)) {
      throw Op.mismatch(label, "the index is %s; expected i32%s", index.spec(), values);
    }
  }
}
