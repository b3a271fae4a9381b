package dev.kantor.parity;

import dev.kantor.parity.Libtorch.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * How near the first iteration of multilayer perceptrons comes to the kinks of its ReLUs. A sum
 * that enters a ReLU and is smaller than its rounding has either sign in floats; then two right
 * programs take different sides there, and a sample's gradients differ by a whole summand.
 */
final class Kinks {
  private static final double SLOPE = 0.2;
  private static final double ROUNDING = 0x1p-24;

  private Kinks() {}

  /**
   * The smallest input of any ReLU in the first iteration of one critic step, in roundings: over
   * 2^-24 times the sum of its summands' magnitudes.
   *
   * @param in what the iteration starts from
   * @param after parameters after it; the generator's step meets the critic that has been updated
   */
  static double nearest(Map<String, Tensor> in, Map<String, double[]> after) {
    Map<String, double[]> before = new HashMap<>();
    in.forEach((name, t) -> before.put(name, doubles(t)));
    Walk walk = new Walk();
    int rows = (int) in.get("real").dims()[1];
    double[] real = before.get("real");
    double[] fake = walk.forward("generator", before, before.get("z_critic"), rows);
    walk.forward("critic", before, real, rows);
    walk.forward("critic", before, fake, rows);
    double[] mixed = new double[real.length];
    int features = real.length / rows;
    for (int i = 0; i < mixed.length; i++) {
      double alpha = before.get("alpha")[i / features];
      mixed[i] = alpha * real[i] + (1 - alpha) * fake[i];
    }
    walk.forward("critic", before, mixed, rows);
    double[] other = walk.forward("generator", before, before.get("z_generator"), rows);
    walk.forward("critic", after, other, rows);
    return walk.nearest;
  }

  private static double[] doubles(Tensor t) {
    double[] d = new double[t.contents().length];
    Arrays.setAll(d, i -> t.contents()[i]);
    return d;
  }

  /** Passes through the networks in double precision, looking at what enters each ReLU. */
  private static final class Walk {
    private double nearest = Double.POSITIVE_INFINITY;

    double[] forward(String network, Map<String, double[]> named, double[] x, int rows) {
      double[] h = x;
      int layer = 0;
      for (; named.containsKey(network + "." + (layer + 2) + ".weight"); layer += 2) {
        h = linear(named, network + "." + layer, h, rows, true);
        double[] entering = h;
        double slope = network.equals("critic") ? SLOPE : 0;
        Arrays.setAll(h, i -> entering[i] > 0 ? entering[i] : slope * entering[i]);
      }
      h = linear(named, network + "." + layer, h, rows, false);
      if (network.equals("generator")) {
        double[] last = h;
        Arrays.setAll(h, i -> Math.tanh(last[i]));
      }
      return h;
    }

    private double[] linear(
        Map<String, double[]> named, String layer, double[] x, int rows, boolean watched) {
      double[] weight = named.get(layer + ".weight");
      double[] bias = named.get(layer + ".bias");
      int in = x.length / rows;
      double[] y = new double[rows * bias.length];
      for (int row = 0; row < rows; row++) {
        for (int o = 0; o < bias.length; o++) {
          double sum = bias[o];
          double magnitude = Math.abs(sum);
          for (int i = 0; i < in; i++) {
            double summand = weight[o * in + i] * x[row * in + i];
            sum += summand;
            magnitude += Math.abs(summand);
          }
          y[row * bias.length + o] = sum;
          if (watched) {
            nearest = Math.min(nearest, Math.abs(sum) / (ROUNDING * magnitude));
          }
        }
      }
      return y;
    }
  }
}
