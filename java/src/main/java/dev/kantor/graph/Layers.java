package dev.kantor.graph;

import dev.kantor.tensor.Shape;

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

  /**
   * The average of each window; the windows lie side by side. Rows and columns at the end that fill
   * none count for nothing.
   *
   * @param x [N, C, H, W]
   * @param kernel rows and columns of a window, and the stride
   * @return [N, C, H / kernel, W / kernel], rounded down
   */
  public static Value avgPool2d(Value x, long kernel) {
    return Ops.apply(new Windows.AvgPool(kernel, kernel, (float) (1.0 / (kernel * kernel))), x);
  }

  /**
   * Each element repeated over a square.
   *
   * @param x [N, C, H, W]
   * @return [N, C, H factor, W factor]
   */
  public static Value upsampleNearest2d(Value x, long factor) {
    if (x.shape().rank() != 4) {
      throw Op.mismatch("upsample_nearest", "x is %s; expected [N, C, H, W]", x.spec());
    }
    long height = x.shape().dim(2) * factor;
    long width = x.shape().dim(3) * factor;
    return Ops.apply(new Windows.UpsampleNearest(factor, factor, height, width, 1f), x);
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
   * Instance norm: each plane by its own mean and variance, in training and after it (Ulyanov,
   * Vedaldi, Lempitsky 2016).
   *
   * @param x [N, C, H, W], more than one element a plane
   * @param gamma [C]
   * @param beta [C]
   */
  public static Value instanceNorm(Value x, Value gamma, Value beta, double eps) {
    if (x.shape().rank() != 4 || x.shape().product(2, 4) < 2) {
      throw Op.mismatch(
          "instance_norm",
          "x is %s; expected [N, C, H, W] with more than one element a plane",
          x.spec());
    }
    // Batch norm of a single image with N C channels.
    long n = x.shape().dim(0);
    long c = x.shape().dim(1);
    Shape images = Shape.of(n, c);
    Shape channels = Shape.of(n * c);
    Value y =
        batchNorm(
                Ops.reshape(x, Shape.of(1, n * c, x.shape().dim(2), x.shape().dim(3))),
                Ops.reshape(Ops.broadcast(gamma, images), channels),
                Ops.reshape(Ops.broadcast(beta, images), channels),
                eps)
            .y();
    return Ops.reshape(y, x.shape());
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

  /**
   * Drops elements at random and scales the rest so that the mean stays (Srivastava et al. 2014,
   * inverted as the field's frameworks have it): x / (1 - rate) where {@code uniform} is above
   * {@code rate}, else 0.
   *
   * @param uniform numbers in [0, 1) of x's shape
   * @param rate the share that is dropped, in [0, 1)
   */
  public static Value dropout(Value x, Value uniform, double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("dropout: the rate must be in [0, 1): " + rate);
    }
    Value kept = Ops.unary(Elementwise.UnaryKind.STEP, Ops.shift(uniform, -rate));
    return Ops.mul(x, Ops.scale(kept, 1 / (1 - rate)));
  }

  /**
   * A draw from a diagonal Gaussian as a function of its parameters: mean + exp(logScale) * noise
   * (Kingma, Welling 2014, section 2.4).
   *
   * @param logScale log of the standard deviation
   * @param noise standard normal; all three of one shape
   */
  public static Value gaussian(Value mean, Value logScale, Value noise) {
    return Ops.add(mean, Ops.mul(Ops.exp(logScale), noise));
  }

  /**
   * Images moved by whole numbers of rows and columns, zeros coming in (translate.h).
   *
   * @param x [N, C, H, W]
   * @param u [N, 2] in [0, 1): where between the two ends each image's move lies, down and right
   * @param rows the most that an image moves down or up
   * @param cols the most that it moves right or left
   */
  public static Value translate(Value x, Value u, long rows, long cols) {
    return Ops.apply(new Warps.Translate(rows, cols, 1), x, u);
  }

  /**
   * Ones [N, 1, height, width] with a rectangle of zeros, which may leave the image
   * (cutout_mask.h).
   *
   * @param u [N, 2] in [0, 1): where each image's rectangle is, down and right
   */
  public static Value cutoutMask(Value u, long rows, long cols, long height, long width) {
    return Ops.apply(new Warps.CutoutMask(rows, cols, height, width), u);
  }
}
