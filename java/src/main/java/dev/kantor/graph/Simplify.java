package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Unary;
import dev.kantor.graph.Elementwise.UnaryKind;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.tensor.Shape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Drops what no result needs and what changes nothing, makes one of two reshapes or factors in a
 * row, and computes equal things once.
 *
 * <p>This must wait for the whole graph: while it is recorded, a value in the middle may still be
 * asked for its gradient, so no op may look behind its operands.
 */
final class Simplify {
  private Simplify() {}

  private static final Op IDENTITY = new Unary(UnaryKind.SCALE, 1f);

  private record Key(Op op, List<Value> inputs, List<Value> after) {}

  static Graph run(Graph graph) {
    Graph live = new Rewriter().apply(graph);
    // Nodes come after their inputs, so an input has been replaced by the first of its kind before
    // its users are looked up.
    Map<Key, Node> first = new HashMap<>();
    Map<Value, Value> same = new HashMap<>();
    Rewriter rewriter = new Rewriter();
    for (Node n : live.nodes) {
      if (n.op.isEffect() || n.op instanceof Effects.GradientNorms) {
        continue;
      }
      List<Value> inputs = n.inputs.stream().map(v -> same.getOrDefault(v, v)).toList();
      Node shorter = inputs.size() == 1 ? behind(n.op, inputs.getFirst().node) : null;
      Op op = shorter == null ? n.op : shorter.op;
      inputs = shorter == null ? inputs : shorter.inputs;
      if (changesNothing(op, inputs)) {
        same.put(n.output(), inputs.getFirst());
        rewriter.replace(n.output(), inputs.getFirst());
        continue;
      }
      Node candidate = shorter == null ? n : shorter;
      Node earlier = first.putIfAbsent(new Key(op, inputs, n.after), candidate);
      Node kept = earlier != null ? earlier : candidate;
      if (kept != n) {
        for (Value v : n.outputs) {
          same.put(v, kept.outputs.get(v.index));
          rewriter.replace(v, kept.outputs.get(v.index));
        }
      }
    }
    return rewriter.isEmpty() ? live : rewriter.apply(live);
  }

  /**
   * {@code op} of what {@code before} computes, straight from its operand; null if it needs both.
   */
  private static Node behind(Op op, Node before) {
    if (op instanceof Reshape && before.op instanceof Reshape) {
      return new Node(op, before.inputs);
    }
    if (op instanceof Unary(UnaryKind kind, float factor)
        && kind == UnaryKind.SCALE
        && before.op instanceof Unary(UnaryKind earlier, float first)
        && earlier == UnaryKind.SCALE) {
      return new Node(new Unary(UnaryKind.SCALE, first * factor), before.inputs);
    }
    return null;
  }

  private static boolean changesNothing(Op op, List<Value> inputs) {
    return op.equals(IDENTITY)
        || op instanceof Structural.Detach
        || (op instanceof Reshape(Shape shape) && inputs.getFirst().shape().equals(shape));
  }
}
