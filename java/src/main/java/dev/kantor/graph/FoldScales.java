package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Unary;
import dev.kantor.graph.Elementwise.UnaryKind;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.graph.Structural.SumTo;
import dev.kantor.tensor.Shape;
import java.util.List;

/**
 * Lets a sum multiply by the factor that alone follows it: means and averaged gradients cost no
 * kernel of their own.
 */
final class FoldScales {
  private FoldScales() {}

  static Graph run(Graph graph) {
    Uses uses = new Uses(graph);
    Rewriter rewriter = new Rewriter();
    for (Node n : graph.nodes) {
      if (!(n.op instanceof Unary(UnaryKind kind, float factor) && kind == UnaryKind.SCALE)) {
        continue;
      }
      Value from = n.inputs.getFirst();
      Value sum = from.node.op instanceof Reshape ? from.node.inputs.getFirst() : from;
      if (sum.node.op instanceof SumTo(Shape shape, float before)
          && uses.of(from).size() == 1
          && uses.of(sum).size() == 1) {
        Value scaled = new Node(new SumTo(shape, before * factor), sum.node.inputs).output();
        rewriter.replace(
            n.output(),
            from == sum ? scaled : new Node(new Reshape(from.shape()), List.of(scaled)).output());
      }
    }
    return rewriter.isEmpty() ? graph : rewriter.apply(graph);
  }
}
