package dev.kantor.graph;

import dev.kantor.graph.ConvChain.Activation;
import dev.kantor.graph.ConvChain.Layer;
import dev.kantor.graph.Elementwise.Binary;
import dev.kantor.graph.Elementwise.BinaryKind;
import dev.kantor.graph.Elementwise.Unary;
import dev.kantor.graph.Elementwise.UnaryKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins convolutions whose results nobody but the next one takes, each with a bias and perhaps a
 * ReLU between, into a {@link ConvChain}, so that what lies between is never stored.
 *
 * <p>The rule, from measurements (bench/NOTES.md): of two neighbours one has few channels on its
 * other side, so that it costs no more than moving what lies between would; and the channels
 * between, and those that come out of the later one unless they are few, fill whole vectors.
 */
final class ChainConvolutions {
  /** The most channels that are few. */
  private static final long FEW_CHANNELS = 3;

  /** The lanes of the widest vectors. */
  private static final long LANES = 16;

  private final Uses uses;

  /** By the later convolution: the one before it, and what lies between. */
  private final Map<Node, Link> links = new HashMap<>();

  /**
   * Two neighbours.
   *
   * @param bias [C, 1, 1]
   */
  private record Link(Node before, Value bias, Activation activation, float slope) {}

  private ChainConvolutions(Graph graph) {
    uses = new Uses(graph);
  }

  static Graph run(Graph graph) {
    ChainConvolutions pass = new ChainConvolutions(graph);
    Rewriter rewriter = new Rewriter();
    for (Node n : graph.nodes) {
      if (n.op instanceof Convolution.OfPlanes) {
        pass.link(n);
      }
    }
    // From the back, so that the longest chains are found; a chain's layers are none of another's.
    for (Node n : graph.nodes.reversed()) {
      if (pass.links.containsKey(n)) {
        rewriter.replace(n.output(), pass.chain(n));
      }
    }
    return rewriter.isEmpty() ? graph : rewriter.apply(graph);
  }

  private void link(Node after) {
    Value x = after.inputs.getFirst();
    Activation activation = Activation.NONE;
    float slope = 0;
    if (x.node.op instanceof Unary(UnaryKind kind, float immediate) && isPassedOn(x)) {
      if (kind == UnaryKind.RELU) {
        activation = Activation.RELU;
      } else if (kind == UnaryKind.LEAKY_RELU) {
        activation = Activation.LEAKY_RELU;
        slope = immediate;
      } else {
        return;
      }
      x = x.node.inputs.getFirst();
    }
    if (!(x.node.op instanceof Binary(BinaryKind kind))
        || kind != BinaryKind.ADD
        || !isPassedOn(x)) {
      return;
    }
    for (Value y : x.node.inputs) {
      Value bias = FoldNorms.byChannel(x.node, y).orElse(null);
      if (bias != null
          && y.node.op instanceof Convolution.OfPlanes
          && isPassedOn(y)
          && pays(y.node, after)) {
        links.put(after, new Link(y.node, bias, activation, slope));
        return;
      }
    }
  }

  /** Whether one node takes the value, and once. */
  private boolean isPassedOn(Value v) {
    return uses.of(v).size() == 1 && uses.of(v).getFirst() != null;
  }

  private static boolean pays(Node before, Node after) {
    long in = before.inputs.getFirst().shape().dim(1);
    long between = before.output().shape().dim(1);
    long out = after.output().shape().dim(1);
    return (in <= FEW_CHANNELS || out <= FEW_CHANNELS)
        && between % LANES == 0
        && (out <= FEW_CHANNELS || out % LANES == 0);
  }

  /** The longest chain that ends here. */
  private Value chain(Node last) {
    List<Layer> layers = new ArrayList<>();
    List<Value> inputs = new ArrayList<>();
    Node n = last;
    layers.add(new Layer((Convolution.OfPlanes) n.op, Activation.NONE, 0));
    inputs.add(n.inputs.get(1));
    while (links.containsKey(n) && layers.size() < ConvChain.MOST_LAYERS) {
      Link link = links.remove(n);
      n = link.before;
      layers.addFirst(new Layer((Convolution.OfPlanes) n.op, link.activation, link.slope));
      inputs.addFirst(link.bias);
      inputs.addFirst(n.inputs.get(1));
    }
    inputs.addFirst(n.inputs.getFirst());
    return new Node(new ConvChain(layers), inputs).output();
  }
}
