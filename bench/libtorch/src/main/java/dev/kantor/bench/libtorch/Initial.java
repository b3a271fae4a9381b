package dev.kantor.bench.libtorch;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * First values of parameters and buffers by name, the framework's defaults: weights and biases
 * uniform in +-1/sqrt(fan-in), norms 1 and 0.
 */
final class Initial {
  private final TensorOptions type;
  private final Map<String, Tensor> named = new LinkedHashMap<>();

  Initial(ScalarType type) {
    this.type = new TensorOptions(type);
  }

  /** What was put so far. */
  Map<String, Tensor> named() {
    return named;
  }

  Initial linear(String name, long in, long out) {
    return layer(name, in, out, out, in);
  }

  Initial convolution(String name, long in, long out, long kernel) {
    return layer(name, in * kernel * kernel, out, out, in, kernel, kernel);
  }

  Initial transposedConvolution(String name, long in, long out, long kernel) {
    return layer(name, out * kernel * kernel, out, in, out, kernel, kernel);
  }

  Initial batchNorm(String name, long channels) {
    long[] shape = {channels};
    named.put(name + ".weight", torch.ones(shape, type));
    named.put(name + ".bias", torch.zeros(shape, type));
    named.put(name + ".running_mean", torch.zeros(shape, type));
    named.put(name + ".running_var", torch.ones(shape, type));
    return this;
  }

  private Initial layer(String name, long fanIn, long biases, long... weight) {
    double bound = 1 / Math.sqrt(fanIn);
    named.put(name + ".weight", uniform(bound, weight));
    named.put(name + ".bias", uniform(bound, biases));
    return this;
  }

  private Tensor uniform(double bound, long... shape) {
    return torch.rand(shape, type).mul_(new Scalar(2 * bound)).sub_(new Scalar(bound));
  }
}
