package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Ops that move, repeat and sum elements. They come in pairs, each the other's derivative. */
interface Structural {

  /** Repeats along axes of extent 1 and new leading axes; its derivative is {@link SumTo}. */
  record Broadcast(Shape shape) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (!Shape.broadcast(x.shape(), shape).equals(shape)) {
        throw Op.mismatch(label(), "%s does not broadcast to %s", x.spec(), shape);
      }
      return List.of(new Spec(x.dtype(), shape));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(Ops.sumTo(g.getFirst(), node.inputs.getFirst().shape()));
    }
  }

  /** factor times the sum over the axes that a broadcast from {@code shape} would repeat. */
  record SumTo(Shape shape, float factor) implements Op {
    SumTo(Shape shape) {
      this(shape, 1f);
    }

    @Override
    public String label() {
      return "sum";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (!x.dtype().isFloating() || !Shape.broadcast(x.shape(), shape).equals(x.shape())) {
        throw Op.mismatch(label(), "%s cannot be summed to %s", x.spec(), shape);
      }
      return List.of(new Spec(x.dtype(), shape));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(
          Ops.broadcast(Ops.scale(g.getFirst(), factor), node.inputs.getFirst().shape()));
    }

    @Override
    public long flops(Node node) {
      return node.inputs.getFirst().shape().count();
    }
  }

  /** The same elements under another shape; never a copy. */
  record Reshape(Shape shape) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (x.shape().count() != shape.count()) {
        throw Op.mismatch(
            label(),
            "%s has %d elements, %s has %d",
            x.spec(),
            x.shape().count(),
            shape,
            shape.count());
      }
      return List.of(new Spec(x.dtype(), shape));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(Ops.reshape(g.getFirst(), node.inputs.getFirst().shape()));
    }
  }

  /** The same value, a constant to gradients; {@link Simplify} takes it out. */
  record Detach() implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(in.getFirst().spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Collections.singletonList(null);
    }
  }

  /** A range of one axis; its derivative is {@link Pad}. Along axis 0 it is a view, not a copy. */
  record Slice(int axis, long start, long length) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (axis < 0
          || axis >= x.shape().rank()
          || start < 0
          || length < 1
          || start + length > x.shape().dim(axis)) {
        throw Op.mismatch(
            label(), "[%d, %d) of axis %d is outside %s", start, start + length, axis, x.spec());
      }
      return List.of(new Spec(x.dtype(), x.shape().with(axis, length)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      long extent = node.inputs.getFirst().shape().dim(axis);
      return List.of(Ops.apply(new Pad(axis, start, extent - start - length), g.getFirst()));
    }
  }

  /** Zeros before and after along one axis; its derivative is {@link Slice}. */
  record Pad(int axis, long before, long behind) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (axis < 0 || axis >= x.shape().rank() || before < 0 || behind < 0) {
        throw Op.mismatch(
            label(), "cannot pad axis %d of %s by %d and %d", axis, x.spec(), before, behind);
      }
      return List.of(
          new Spec(x.dtype(), x.shape().with(axis, before + x.shape().dim(axis) + behind)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(
          Ops.slice(g.getFirst(), axis, before, node.inputs.getFirst().shape().dim(axis)));
    }
  }

  /** One after the other along an axis. */
  record Concat(int axis) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value first = in.getFirst();
      long extent = 0;
      for (Value v : in) {
        if (axis >= v.shape().rank()
            || v.dtype() != first.dtype()
            || v.shape().rank() != first.shape().rank()
            || !v.shape().with(axis, 1).equals(first.shape().with(axis, 1))) {
          throw Op.mismatch(
              label(),
              "%s beside %s; expected one type and equal extents but on axis %d",
              first.spec(),
              v.spec(),
              axis);
        }
        extent += v.shape().dim(axis);
      }
      return List.of(new Spec(first.dtype(), first.shape().with(axis, extent)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      List<Value> out = new ArrayList<>();
      long at = 0;
      for (Value v : node.inputs) {
        out.add(Ops.slice(g.getFirst(), axis, at, v.shape().dim(axis)));
        at += v.shape().dim(axis);
      }
      return out;
    }
  }

  /** Exchanges two axes. */
  record Transpose(int first, int second) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (first < 0 || second < 0 || first >= x.shape().rank() || second >= x.shape().rank()) {
        throw Op.mismatch(label(), "axes %d and %d of %s", first, second, x.spec());
      }
      long[] dims = x.shape().dims();
      long d = dims[first];
      dims[first] = dims[second];
      dims[second] = d;
      return List.of(new Spec(x.dtype(), Shape.of(dims)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(Ops.apply(this, g.getFirst()));
    }
  }

  /**
   * op(a) op(b) of matrices, op = transposed where asked. Its derivatives are the same op with
   * other flags.
   */
  record MatMul(boolean transposeA, boolean transposeB) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value a = in.get(0);
      Value b = in.get(1);
      if (a.shape().rank() != 2
          || b.shape().rank() != 2
          || a.dtype() != b.dtype()
          || !a.dtype().isFloating()) {
        throw Op.mismatch(
            label(),
            "a is %s and b is %s; expected two matrices of one floating-point type",
            a.spec(),
            b.spec());
      }
      long k = a.shape().dim(transposeA ? 0 : 1);
      if (b.shape().dim(transposeB ? 1 : 0) != k) {
        throw Op.mismatch(
            label(),
            "a is %s%s but b is %s%s; expected b %s",
            a.spec(),
            transposeA ? " transposed" : "",
            b.spec(),
            transposeB ? " transposed" : "",
            transposeB ? "[*, " + k + "]" : "[" + k + ", *]");
      }
      return List.of(
          new Spec(
              a.dtype(),
              Shape.of(a.shape().dim(transposeA ? 1 : 0), b.shape().dim(transposeB ? 0 : 1))));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value a = node.inputs.get(0);
      Value b = node.inputs.get(1);
      Value g = gs.getFirst();
      Value da =
          transposeA ? Ops.matmul(b, g, transposeB, true) : Ops.matmul(g, b, false, !transposeB);
      Value db =
          transposeB ? Ops.matmul(g, a, true, transposeA) : Ops.matmul(a, g, !transposeA, false);
      return Arrays.asList(da, db);
    }

    @Override
    public long flops(Node node) {
      return 2
          * node.output().shape().count()
          * node.inputs.getFirst().shape().dim(transposeA ? 0 : 1);
    }
  }
}
