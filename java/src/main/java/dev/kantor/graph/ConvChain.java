package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Convolutions one after the other, of which only the last one's result is stored (conv2d_chain.h).
 * Inputs: X [N, C, H, W]; then of each layer the weight and, but for the last, the bias, of O
 * elements.
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
   * @param op from the result of the layer before and the weight
   * @param activation of the last layer: none, nor has it a bias
   * @param slope of a leaky ReLU
   */
  record Layer(Convolution.OfPlanes op, Activation activation, float slope) {}

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

  /** What each layer takes, and what the last makes. */
  private List<Spec> planes(List<Value> in) {
    List<Spec> planes = new ArrayList<>(List.of(in.getFirst().spec()));
    for (int k = 0; k < layers.size(); k++) {
      Spec weight = in.get(1 + 2 * k).spec();
      planes.add(layers.get(k).op.planes(label(), planes.getLast(), weight));
    }
    return planes;
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
    List<Spec> planes = planes(in);
    for (int k = 0; k + 1 < layers.size(); k++) {
      Value bias = in.get(2 + 2 * k);
      long channels = planes.get(k + 1).shape().dim(1);
      if (bias.shape().count() != channels || bias.dtype() != in.getFirst().dtype()) {
        throw Op.mismatch(
            label(), "bias %d is %s; expected %d elements", k + 1, bias.spec(), channels);
      }
    }
    return List.of(planes.getLast());
  }

  @Override
  public List<Value> decompose(Node node) {
    Value x = node.inputs.getFirst();
    for (int k = 0; k < layers.size(); k++) {
      Layer layer = layers.get(k);
      x = Ops.apply(layer.op, x, node.inputs.get(1 + 2 * k));
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
    List<Spec> planes = planes(node.inputs);
    long flops = 0;
    for (int k = 0; k < layers.size(); k++) {
      Spec made = planes.get(k + 1);
      Layer layer = layers.get(k);
      flops += layer.op.work(planes.get(k), node.inputs.get(1 + 2 * k).spec(), made);
      if (k + 1 < layers.size()) {
        flops += (layer.activation == Activation.NONE ? 1 : 2) * made.shape().count();
      }
    }
    return flops;
  }

  /** The kernel's attributes before the epilogue's. */
  List<Long> words(Node node) {
    List<Spec> planes = planes(node.inputs);
    List<Long> words = new ArrayList<>(List.of((long) layers.size()));
    for (int k = 0; k < layers.size(); k++) {
      Layer layer = layers.get(k);
      Shape made = planes.get(k + 1).shape();
      words.add(layer.op instanceof Convolution.DataGrad ? 1L : 0L);
      words.addAll(layer.op.geometry().words());
      words.addAll(List.of(made.dim(2), made.dim(3)));
      if (k + 1 < layers.size()) {
        words.add((long) layer.activation.ordinal());
        words.add(Float.floatToRawIntBits(layer.slope) & 0xFFFFFFFFL);
      }
    }
    return words;
  }
}
