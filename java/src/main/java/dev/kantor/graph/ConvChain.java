package dev.kantor.graph;

import dev.kantor.graph.Convolution.Geometry;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Convolutions one after the other, of which only the last one's result is stored (conv2d_chain.h).
 * Inputs: X [N, C, H, W]; then of each layer the weight [O, C, R, S] and, but for the last, the
 * bias, of O elements.
 *
 * @param layers from 2 to {@link #MOST_LAYERS}
 */
record ConvChain(List<Layer> layers) implements Composite {
  static final int MOST_LAYERS = 8;

  /** What follows a layer's bias; in the order of conv2d_chain.h. */
  enum Activation {
    NONE,
    RELU,
    LEAKY_RELU
  }

  /**
   * A layer.
   *
   * @param activation of the last layer: none, nor has it a bias
   * @param slope of a leaky ReLU
   */
  record Layer(Geometry geometry, Activation activation, float slope) {}

  ConvChain {
    layers = List.copyOf(layers);
    if (layers.size() < 2
        || layers.size() > MOST_LAYERS
        || layers.getLast().activation != Activation.NONE) {
      throw new IllegalArgumentException(
          "expected 2 to " + MOST_LAYERS + " layers, the last without activation, not " + layers);
    }
  }

  @Override
  public String label() {
    return "conv2d_chain";
  }

  /** What each layer makes. */
  private List<Spec> results(List<Value> in) {
    List<Spec> results = new ArrayList<>(List.of(in.getFirst().spec()));
    for (int k = 0; k < layers.size(); k++) {
      Spec weight = in.get(1 + 2 * k).spec();
      results.add(Convolution.planes(label(), layers.get(k).geometry, results.getLast(), weight));
    }
    return results.subList(1, results.size());
  }

  @Override
  public List<Spec> infer(List<Value> in) {
    if (in.size() != 2 * layers.size()) {
      throw Op.mismatch(
          label(),
          "%d inputs for %d layers; expected %d",
          in.size(),
          layers.size(),
          2 * layers.size());
    }
    List<Spec> results = results(in);
    for (int k = 0; k + 1 < layers.size(); k++) {
      Value bias = in.get(2 + 2 * k);
      long channels = results.get(k).shape().dim(1);
      if (bias.shape().count() != channels || bias.dtype() != in.getFirst().dtype()) {
        throw Op.mismatch(
            label(), "bias %d is %s; expected %d elements", k + 1, bias.spec(), channels);
      }
    }
    return List.of(results.getLast());
  }

  @Override
  public List<Value> decompose(Node node) {
    Value x = node.inputs.getFirst();
    for (int k = 0; k < layers.size(); k++) {
      Layer layer = layers.get(k);
      x = Ops.apply(new Convolution.Conv2d(layer.geometry), x, node.inputs.get(1 + 2 * k));
      if (k + 1 < layers.size()) {
        Value bias = node.inputs.get(2 + 2 * k);
        x = Ops.add(x, Ops.reshape(bias, Shape.of(bias.shape().count(), 1, 1)));
      }
      x =
          switch (layer.activation) {
            case NONE -> x;
            case RELU -> Ops.relu(x);
            case LEAKY_RELU -> Ops.leakyRelu(x, layer.slope);
          };
    }
    return List.of(x);
  }

  @Override
  public List<Value> gradient(Node node, List<Value> g) {
    return Composite.gradientOfDecomposition(this, node, g);
  }

  @Override
  public long flops(Node node) {
    List<Spec> results = results(node.inputs);
    long flops = 0;
    for (int k = 0; k < layers.size(); k++) {
      flops += Convolution.work(results.get(k), node.inputs.get(1 + 2 * k).spec());
      if (k + 1 < layers.size()) {
        flops +=
            (layers.get(k).activation == Activation.NONE ? 1 : 2) * results.get(k).shape().count();
      }
    }
    return flops;
  }

  /** The kernel's attributes before the epilogue's. */
  List<Long> words() {
    List<Long> words = new ArrayList<>(List.of((long) layers.size()));
    for (int k = 0; k < layers.size(); k++) {
      Layer layer = layers.get(k);
      words.addAll(layer.geometry.words());
      if (k + 1 < layers.size()) {
        words.add((long) layer.activation.ordinal());
        words.add(Float.floatToRawIntBits(layer.slope) & 0xFFFFFFFFL);
      }
    }
    return words;
  }
}
