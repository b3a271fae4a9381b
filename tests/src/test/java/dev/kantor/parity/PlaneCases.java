package dev.kantor.parity;

import static dev.kantor.parity.OpCases.add;
import static dev.kantor.parity.OpCases.range;
import static dev.kantor.parity.OpCases.unit;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.parity.OpCases.Case;
import dev.kantor.parity.OpCases.Input;
import dev.kantor.tensor.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The rows of {@link OpCases} for ops on planes. */
final class PlaneCases {
  private PlaneCases() {}

  static void addTo(List<Case> all) {
    convolutions(all);
    planes(all);
    channelNorms(all);
  }

  /**
   * A convolution: x [n, in, height, width], weight [out, in, r, s]. For the transposed one x has
   * `out` channels.
   */
  private record Conv(
      long n,
      long in,
      long h,
      long w,
      long out,
      long r,
      long s,
      long stride,
      long padding,
      long dilation) {
    /** What every convolution of the variants is. */
    static Conv of(long n, long in, long size, long out, long kernel, long stride) {
      return new Conv(n, in, size, size, out, kernel, kernel, stride, 1, 1);
    }

    Map<String, Object> attributes() {
      return Map.of("stride", stride, "padding", padding, "dilation", dilation);
    }

    Input weight() {
      return range(1 / Math.sqrt(in * r * s), out, in, r, s);
    }
  }

  /** Odd, one wide, dilated; then the kernels of the variants, few images. */
  private static void convolutions(List<Case> all) {
    List<Conv> cases =
        List.of(
            new Conv(1, 1, 1, 1, 1, 1, 1, 1, 0, 1),
            new Conv(2, 3, 5, 4, 4, 3, 3, 1, 1, 1),
            new Conv(2, 3, 6, 5, 4, 3, 2, 2, 1, 1),
            new Conv(1, 2, 7, 9, 3, 3, 3, 1, 2, 2),
            new Conv(1, 5, 9, 1, 7, 5, 1, 2, 0, 1),
            Conv.of(2, 1, 28, 32, 3, 1),
            Conv.of(2, 32, 14, 64, 3, 1),
            Conv.of(2, 16, 14, 32, 3, 2),
            Conv.of(1, 64, 16, 32, 3, 1));
    for (Conv c : cases) {
      Input x = unit(c.n, c.in, c.h, c.w);
      add(
          all,
          "conv2d",
          "conv2d",
          c.attributes(),
          in -> Layers.conv2d(in.get(0), in.get(1), c.stride, c.padding, c.dilation),
          x,
          c.weight());
      add(
          all,
          "conv2d, bias",
          "conv2d",
          c.attributes(),
          in ->
              Ops.add(
                  Layers.conv2d(in.get(0), in.get(1), c.stride, c.padding, c.dilation),
                  Ops.reshape(in.get(2), Shape.of(c.out, 1, 1))),
          x,
          c.weight(),
          unit(c.out));
      // As many rows more as the stride leaves open.
      for (long more = 0; more < c.stride; more++) {
        long rest = more;
        Map<String, Object> attributes = new HashMap<>(c.attributes());
        attributes.put("output_padding", rest);
        add(
            all,
            "conv_transpose2d, output padding " + rest,
            "conv_transpose2d",
            attributes,
            in ->
                Layers.convTranspose2d(in.get(0), in.get(1), c.stride, c.padding, rest, c.dilation),
            unit(c.n, c.out, c.h, c.w),
            c.weight());
      }
    }
    // The decoder's.
    for (long[] s : new long[][] {{32, 7, 16}, {16, 14, 1}}) {
      add(
          all,
          "conv_transpose2d of the decoder",
          "conv_transpose2d",
          Map.of("stride", 2, "padding", 1),
          in -> Layers.convTranspose2d(in.get(0), in.get(1), 2, 1, 0, 1),
          unit(2, s[0], s[1], s[1]),
          range(1 / Math.sqrt(s[2] * 16), s[0], s[2], 4, 4));
    }
  }

  private static void planes(List<Case> all) {
    long[][] sizes = {{1, 1, 2, 2}, {2, 3, 7, 5}, {1, 2, 6, 9}, {2, 32, 28, 28}, {2, 64, 14, 14}};
    for (long[] s : sizes) {
      for (int k = 1; k <= Math.min(3, s[2]); k++) {
        long kernel = k;
        add(
            all,
            "max_pool2d of " + k,
            "max_pool2d",
            Map.of("kernel", k),
            in -> Layers.maxPool2d(in.getFirst(), kernel, kernel),
            unit(s));
        add(
            all,
            "avg_pool2d of " + k,
            "avg_pool2d",
            Map.of("kernel", k),
            in -> Layers.avgPool2d(in.getFirst(), kernel),
            unit(s));
        add(
            all,
            "upsample_nearest2d by " + k,
            "upsample_nearest2d",
            Map.of("factor", k),
            in -> Layers.upsampleNearest2d(in.getFirst(), kernel),
            unit(s));
      }
    }
    add(
        all,
        "max_pool2d, overlapping",
        "max_pool2d",
        Map.of("kernel", 3, "stride", 2),
        in -> Layers.maxPool2d(in.getFirst(), 3, 2),
        unit(2, 3, 9, 11));
  }

  private static void channelNorms(List<Case> all) {
    long[][] sizes = {
      {5, 3}, {64, 31}, {3, 4, 3, 2}, {2, 1, 5, 7}, {4, 16, 14, 14}, {2, 64, 28, 28}
    };
    for (long[] s : sizes) {
      add(
          all,
          "batch_norm",
          "batch_norm",
          Map.of("eps", (double) 1e-5f),
          in -> Layers.batchNorm(in.get(0), in.get(1), in.get(2), 1e-5).y(),
          unit(s),
          unit(s[1]),
          unit(s[1]));
      if (s.length == 4) {
        add(
            all,
            "instance_norm",
            "instance_norm",
            Map.of("eps", (double) 1e-5f),
            in -> Layers.instanceNorm(in.get(0), in.get(1), in.get(2), 1e-5),
            unit(s),
            unit(s[1]),
            unit(s[1]));
      }
    }
  }
}
