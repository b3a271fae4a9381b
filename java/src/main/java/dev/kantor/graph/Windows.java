package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.List;

/**
 * Windows that lie side by side in planes, without padding: their average, and the repetition of
 * one element over each. Each one's derivative is the other.
 */
interface Windows extends Op {

  /** factor times the sum of each window (avg_pool.h). */
  record AvgPool(long kernelH, long kernelW, float factor) implements Windows {
    @Override
    public String label() {
      return "avg_pool";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      requirePlanes(label(), x);
      if (kernelH < 1 || kernelW < 1 || x.shape().dim(2) < kernelH || x.shape().dim(3) < kernelW) {
        throw Op.mismatch(label(), "windows of %d x %d do not fit %s", kernelH, kernelW, x.spec());
      }
      return List.of(
          new Spec(x.dtype(), planes(x, x.shape().dim(2) / kernelH, x.shape().dim(3) / kernelW)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      Shape x = node.inputs.getFirst().shape();
      return List.of(
          Ops.apply(
              new UpsampleNearest(kernelH, kernelW, x.dim(2), x.dim(3), factor), g.getFirst()));
    }

    @Override
    public long flops(Node node) {
      return node.inputs.getFirst().shape().count();
    }
  }

  /**
   * factor times each element, repeated over a window (upsample_nearest.h).
   *
   * @param height of the result; at least that of all windows, less than one window more; what no
   *     window covers is 0
   * @param width likewise
   */
  record UpsampleNearest(long kernelH, long kernelW, long height, long width, float factor)
      implements Windows {
    @Override
    public String label() {
      return "upsample_nearest";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      requirePlanes(label(), x);
      if (kernelH < 1
          || kernelW < 1
          || height / kernelH != x.shape().dim(2)
          || width / kernelW != x.shape().dim(3)) {
        throw Op.mismatch(
            label(),
            "%s repeated over windows of %d x %d does not give planes of %d x %d",
            x.spec(),
            kernelH,
            kernelW,
            height,
            width);
      }
      return List.of(new Spec(x.dtype(), planes(x, height, width)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(Ops.apply(new AvgPool(kernelH, kernelW, factor), g.getFirst()));
    }

    @Override
    public long flops(Node node) {
      return factor == 1 ? 0 : node.inputs.getFirst().shape().count();
    }
  }

  private static void requirePlanes(String label, Value x) {
    if (x.shape().rank() != 4 || !x.dtype().isFloating()) {
      throw Op.mismatch(label, "x is %s; expected [N, C, H, W]", x.spec());
    }
  }

  private static Shape planes(Value like, long height, long width) {
    return Shape.of(like.shape().dim(0), like.shape().dim(1), height, width);
  }
}
