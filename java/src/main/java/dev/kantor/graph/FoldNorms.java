package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Binary;
import dev.kantor.graph.Elementwise.BinaryKind;
import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * Folds what is multiplied with and added to a convolution's output by channel, a bias and a batch
 * norm by running statistics, into its weight and one addition:
 *
 * <pre>(conv(x, w) + b) * s + t = conv(x, w * s) + (b * s + t)</pre>
 *
 * <p>That costs arithmetic on the weight alone. Where a factor depends on the output, as the
 * statistics of a training pass do, or something else takes what lies between, nothing is folded.
 */
final class FoldNorms {
  private final Uses uses;
  private final Rewriter rewriter = new Rewriter();

  private FoldNorms(Graph graph) {
    uses = new Uses(graph);
  }

  static Graph run(Graph graph) {
    FoldNorms pass = new FoldNorms(graph);
    for (Node n : graph.nodes) {
      if (n.op instanceof Convolution.OfPlanes
          && n.inputs.get(1).shape().count() < n.output().shape().count()) {
        pass.fold(n);
      }
    }
    return pass.rewriter.isEmpty() ? graph : pass.rewriter.apply(graph);
  }

  private void fold(Node convolution) {
    Value end = convolution.output();
    Value scale = null;
    Value shift = null;
    int steps = 0;
    while (uses.of(end).size() == 1 && uses.of(end).getFirst() != null) {
      Node user = uses.of(end).getFirst();
      Value other = byChannel(user, end).orElse(null);
      if (other == null || !(user.op instanceof Binary(BinaryKind kind))) {
        break;
      }
      if (kind == BinaryKind.MUL) {
        scale = scale == null ? other : binary(BinaryKind.MUL, scale, other);
        shift = shift == null ? null : binary(BinaryKind.MUL, shift, other);
      } else if (kind == BinaryKind.ADD) {
        shift = shift == null ? other : binary(BinaryKind.ADD, shift, other);
      } else {
        break;
      }
      end = user.output();
      steps++;
    }
    if (scale == null && steps < 2) {
      return;
    }
    Value weight = convolution.inputs.get(1);
    if (scale != null) {
      // Of a weight [C, O, R, S] a factor for each O is spread as it is.
      Value factors =
          convolution.op instanceof Convolution.DataGrad
              ? scale
              : new Node(new Reshape(Shape.of(scale.shape().count(), 1, 1, 1)), List.of(scale))
                  .output();
      weight = binary(BinaryKind.MUL, weight, spread(factors, weight.shape()));
    }
    Value y = new Node(convolution.op, List.of(convolution.inputs.getFirst(), weight)).output();
    rewriter.replace(
        end, shift == null ? y : binary(BinaryKind.ADD, y, spread(shift, end.shape())));
  }

  /**
   * The other operand of an elementwise node on planes, [C, 1, 1], if it has one value a channel.
   */
  static Optional<Value> byChannel(Node n, Value planes) {
    if (!(n.op instanceof Binary) || planes.shape().rank() != 4) {
      return Optional.empty();
    }
    Value other = n.inputs.get(n.inputs.get(0) == planes ? 1 : 0);
    if (!(other.node.op instanceof Broadcast)) {
      return Optional.empty();
    }
    Value channels = other.node.inputs.getFirst();
    return Optional.of(channels)
        .filter(v -> v.shape().equals(Shape.of(planes.shape().dim(1), 1, 1)));
  }

  private static Value binary(BinaryKind kind, Value a, Value b) {
    return new Node(new Binary(kind), List.of(a, b)).output();
  }

  private static Value spread(Value v, Shape shape) {
    return new Node(new Broadcast(shape), List.of(v)).output();
  }
}
