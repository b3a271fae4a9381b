package dev.kantor.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Drops what no result needs and what changes nothing, and computes equal things once. */
final class Simplify {
  private Simplify() {}

  private static final Op IDENTITY = new Elementwise.Unary(Elementwise.UnaryKind.SCALE, 1f);

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
      if (n.op.equals(IDENTITY)) {
        Value source = same.getOrDefault(n.inputs.getFirst(), n.inputs.getFirst());
        same.put(n.output(), source);
        rewriter.replace(n.output(), source);
        continue;
      }
      Key key =
          new Key(n.op, n.inputs.stream().map(v -> same.getOrDefault(v, v)).toList(), n.after);
      Node earlier = first.putIfAbsent(key, n);
      if (earlier != null) {
        for (Value v : n.outputs) {
          same.put(v, earlier.outputs.get(v.index));
          rewriter.replace(v, earlier.outputs.get(v.index));
        }
      }
    }
    return rewriter.isEmpty() ? live : rewriter.apply(live);
  }
}
