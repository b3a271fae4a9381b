package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** From units to kernels: how each op that is not elementwise is written for the native core. */
final class Lowering {
  private Lowering() {}

  static List<Kernel> kernels(Graph graph, Fuse.Unit unit, Placement placement, boolean guard) {
    if (unit.single == null) {
      return List.of(Fuse.kernel(graph, unit));
    }
    Node n = unit.single;
    return switch (n.op) {
      case Structural.Concat(int axis) -> concat(n, axis, placement);
      case Structural.Slice s -> {
        long[] from = strides(n.inputs.getFirst().shape());
        yield List.of(
            copy(
                n,
                n.inputs.getFirst(),
                n.output(),
                n.output().shape(),
                from,
                strides(n.output().shape()),
                s.start() * from[s.axis()],
                0,
                false));
      }
      case Structural.Pad p -> {
        long[] to = strides(n.output().shape());
        yield List.of(
            copy(
                n,
                n.inputs.getFirst(),
                n.output(),
                n.inputs.getFirst().shape(),
                strides(n.inputs.getFirst().shape()),
                to,
                0,
                p.before() * to[p.axis()],
                true));
      }
      case Structural.Transpose t -> {
        long[] from = strides(n.inputs.getFirst().shape());
        long x = from[t.first()];
        from[t.first()] = from[t.second()];
        from[t.second()] = x;
        yield List.of(
            copy(
                n,
                n.inputs.getFirst(),
                n.output(),
                n.output().shape(),
                from,
                strides(n.output().shape()),
                0,
                0,
                false));
      }
      case Composite.RowPenalty r ->
          List.of(
              plain(n, "row_penalty", bits(r.weight()), bits(r.center()), r.oneSided() ? 1 : 0));
      case Composite.LayerNorm l -> List.of(plain(n, "layer_norm", bits(l.eps())));
      case Composite.LayerNormGrad _ -> List.of(plain(n, "layer_norm_grad"));
      case Composite.LogSumExp _ -> List.of(plain(n, "log_sum_exp"));
      case Composite.BatchNormGrad _ -> List.of(plain(n, "batch_norm_grad"));
      case BatchNormParts.Statistics(float eps) -> List.of(plain(n, "batch_stats", bits(eps)));
      case Convolution.WeightGrad _ -> List.of(Prologues.weightGrad(unit));
      case Convolution.MaxPool m ->
          List.of(plain(n, "max_pool", m.kernelH(), m.kernelW(), m.strideH(), m.strideW()));
      case Convolution.PoolScatter _ -> List.of(plain(n, "pool_scatter"));
      case Convolution.PoolGather _ -> List.of(plain(n, "pool_gather"));
      case Windows.AvgPool w ->
          List.of(plain(n, "avg_pool", w.kernelH(), w.kernelW(), bits(w.factor())));
      case Windows.UpsampleNearest w ->
          List.of(plain(n, "upsample_nearest", w.kernelH(), w.kernelW(), bits(w.factor())));
      case Warps.Translate w -> List.of(plain(n, "translate", w.rows(), w.cols(), w.sign()));
      case Warps.CutoutMask w -> List.of(plain(n, "cutout_mask", w.rows(), w.cols()));
      case Sources.OneHot _ -> List.of(plain(n, "one_hot"));
      case Sources.GatherLabels _ -> List.of(plain(n, "gather", bits(1), bits(0)));
      case Sources.Normal r ->
          List.of(plain(n, "normal", r.stream(), r.stepScale(), r.stepOffset()));
      case Sources.Uniform r ->
          List.of(
              plain(
                  n,
                  "uniform",
                  r.stream(),
                  r.stepScale(),
                  r.stepOffset(),
                  bits(r.low()),
                  bits(r.high())));
      case Sources.BatchIndices b ->
          List.of(plain(n, "batch_indices", b.count(), b.stepScale(), b.stepOffset()));
      case Sources.Gather g -> List.of(plain(n, "gather", bits(g.scale()), bits(g.shift())));
      case Sources.RateSchedule r ->
          List.of(plain(n, "rate_schedule", r.fall().ordinal(), r.length()));
      case Effects.Histogram h -> List.of(plain(n, "histogram", bits(h.low()), bits(h.high())));
      case Effects.Optimize o -> List.of(optimize(n, o, guard));
      case Effects.GradientNorms g ->
          List.of(
              new Kernel(
                  "gradient_norms",
                  "gradient_norms",
                  n.inputs.subList(0, n.inputs.size() - 1),
                  n.outputs,
                  Arrays.asList(null, n.inputs.getLast()),
                  n.after,
                  new long[] {g.firstTensor()},
                  false,
                  n.op.flops(n)));
      case Effects.RingWrite _ ->
          List.of(
              effect(
                  n,
                  "ring_write",
                  n.inputs.subList(0, n.inputs.size() - 1),
                  List.of(n.inputs.getLast()),
                  guard));
      case Effects.CounterAdd c ->
          List.of(effect(n, "counter_add", List.of(), n.inputs, guard, c.amount()));
      case Effects.Assign _ when placement.isComputedInSlot(n) -> List.of();
      case Effects.Assign _ -> {
        Shape shape = n.output().shape();
        Kernel k =
            copy(
                n, n.inputs.get(1), n.output(), shape, strides(shape), strides(shape), 0, 0, false);
        yield List.of(
            new Kernel(
                k.op(),
                "assign",
                k.inputs(),
                k.outputs(),
                List.of(n.inputs.get(0)),
                n.after,
                k.attributes(),
                guard,
                0));
      }
      default -> throw new IllegalStateException("no lowering for " + n);
    };
  }

  private static Kernel plain(Node n, String op, long... attributes) {
    return new Kernel(
        op,
        n.op.label(),
        n.inputs,
        n.outputs,
        Collections.nCopies(n.outputs.size(), null),
        n.after,
        attributes,
        false,
        n.op.flops(n));
  }

  private static Kernel effect(
      Node n,
      String op,
      List<Value> inputs,
      List<Value> updates,
      boolean guard,
      long... attributes) {
    return new Kernel(
        op, n.op.label(), inputs, n.outputs, updates, n.after, attributes, guard, n.op.flops(n));
  }

  private static Kernel optimize(Node n, Effects.Optimize o, boolean guard) {
    int t = o.tensors();
    long[] attributes = new long[3 + t];
    attributes[0] = o.rule().ordinal();
    attributes[1] = t;
    attributes[2] = o.ema() ? 1 : 0;
    for (int i = 0; i < t; i++) {
      attributes[3 + i] = (o.clip().get(i) ? 1 : 0) | (o.decay().get(i) ? 2 : 0);
    }
    return effect(
        n,
        "optimizer",
        n.inputs.subList(0, 1 + t),
        n.inputs.subList(1 + t, n.inputs.size()),
        guard,
        attributes);
  }

  private static List<Kernel> concat(Node n, int axis, Placement placement) {
    List<Kernel> kernels = new ArrayList<>();
    long[] to = strides(n.output().shape());
    long at = 0;
    for (Value part : n.inputs) {
      if (!placement.isInside(part, n)) {
        kernels.add(
            copy(
                n,
                part,
                n.output(),
                part.shape(),
                strides(part.shape()),
                to,
                0,
                at * to[axis],
                false));
      }
      at += part.shape().dim(axis);
    }
    return kernels;
  }

  private static Kernel copy(
      Node n,
      Value from,
      Value to,
      Shape box,
      long[] fromStrides,
      long[] toStrides,
      long fromOffset,
      long toOffset,
      boolean fill) {
    List<Long> a = new ArrayList<>();
    a.add((long) box.rank());
    for (int i = 0; i < box.rank(); i++) {
      a.addAll(List.of(box.dim(i), fromStrides[i], toStrides[i]));
    }
    a.addAll(List.of(fromOffset, toOffset, fill ? 1L : 0L));
    return new Kernel(
        "copy",
        n.op.label(),
        List.of(from),
        List.of(to),
        Collections.nCopies(1, null),
        n.after,
        a.stream().mapToLong(Long::longValue).toArray(),
        false,
        0);
  }

  private static long[] strides(Shape shape) {
    long[] s = new long[shape.rank()];
    long step = 1;
    for (int i = s.length - 1; i >= 0; i--) {
      s[i] = step;
      step *= shape.dim(i);
    }
    return s;
  }

  private static long bits(float f) {
    return Float.floatToRawIntBits(f) & 0xFFFFFFFFL;
  }

  /** Size of an element when float32 stands for float64. */
  static DType promoted(DType dtype, boolean doublePrecision) {
    return doublePrecision && dtype == DType.F32 ? DType.F64 : dtype;
  }
}
