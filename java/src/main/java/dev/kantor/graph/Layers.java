package dev.kantor.graph;

/** The operations that layers of networks are made of; for the rest see {@link Ops}. */
public final class Layers {
  private Layers() {}

  /**
   * x W^T + b.
   *
   * @param x [rows, in]
   * @param weight [out, in]
   * @param bias [out], or null for none
   */
  public static Value linear(Value x, Value weight, Value bias) {
    Value y = Ops.matmul(x, weight, false, true);
    return bias == null ? y : Ops.add(y, bias);
  }

  /**
   * Convolution (cross-correlation) of planes.
   *
   * @param x [N, C, H, W]
   * @param weight [O, C, R, S]
   * @return [N, O, P, Q], P = (H + 2 padding - dilation (R - 1) - 1) / stride + 1, Q likewise
   */
  public static Value conv2d(Value x, Value weight, long stride, long padding, long dilation) {
    return Ops.apply(
        new Convolution.Conv2d(Convolution.Geometry.square(stride, padding, dilation)), x, weight);
  }

  /**
   * Transposed convolution: the gradient of {@link #conv2d} with respect to its input.
   *
   * @param y [N, O, P, Q]
   * @param weight [O, C, R, S], the layout of the convolution that this transposes
   * @param outputPadding rows and columns added at the end, below the stride
   * @return [N, C, H, W], H = (P - 1) stride - 2 padding + dilation (R - 1) + outputPadding + 1, W
   *     likewise
   */
  public static Value convTranspose2d(
      Value y, Value weight, long stride, long padding, long outputPadding, long dilation) {
    long h =
        (y.shape().dim(2) - 1) * stride
            - 2 * padding
            + dilation * (weight.shape().dim(2) - 1)
            + outputPadding
            + 1;
    long w =
        (y.shape().dim(3) - 1) * stride
            - 2 * padding
            + dilation * (weight.shape().dim(3) - 1)
            + outputPadding
            + 1;
    return Ops.apply(
        new Convolution.DataGrad(Convolution.Geometry.square(stride, padding, dilation), h, w),
        y,
        weight);
  }

  /**
   * The largest of each window; among equals the first, which alone gets the gradient.
   *
   * @param x [N, C, H, W]
   * @return [N, C, (H - kernel) / stride + 1, (W - kernel) / stride + 1]
   */
  public static Value maxPool2d(Value x, long kernel, long stride) {
    return Ops.node(new Convolution.MaxPool(kernel, kernel, stride, stride), x).outputs.getFirst();
  }

  /** Batch norm's result and the batch's statistics, [C] each; the variance is biased. */
  public record BatchStatistics(Value y, Value mean, Value variance) {}

  /**
   * Batch norm with the batch's own statistics (Ioffe, Szegedy 2015).
   *
   * @param x [N, C, H, W] or [N, C]
   * @param gamma [C]
   * @param beta [C]
   */
  public static BatchStatistics batchNorm(Value x, Value gamma, Value beta, double eps) {
    Node n = Ops.node(new Composite.BatchNorm((float) eps), x, gamma, beta);
    return new BatchStatistics(n.outputs.get(0), n.outputs.get(1), n.outputs.get(3));
  }

  /**
   * Layer norm over the last axis of a matrix (Ba, Kiros, Hinton 2016).
   *
   * @param x [rows, columns]
   * @param gamma [columns]
   * @param beta [columns]
   */
  public static Value layerNorm(Value x, Value gamma, Value beta, double eps) {
    return Ops.apply(new Composite.LayerNorm((float) eps), x, gamma, beta);
  }
}
