package dev.kantor.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Rebuilds a graph from its results with some values replaced by others; what nothing needs any
 * more is not rebuilt.
 */
final class Rewriter {
  private final Map<Value, Value> replacement = new HashMap<>();
  private final Map<Node, Node> built = new HashMap<>();
  private final List<Node> order = new ArrayList<>();

  /** Uses {@code by} (of the old graph, or new nodes on it) wherever {@code old} is used. */
  void replace(Value old, Value by) {
    replacement.put(old, by);
  }

  boolean isEmpty() {
    return replacement.isEmpty();
  }

  boolean replaces(Value v) {
    return replacement.containsKey(v);
  }

  Graph apply(Graph graph) {
    Map<Slot, Value> results = new LinkedHashMap<>();
    graph.results.forEach((slot, v) -> results.put(slot, rebuild(v)));
    return new Graph(order, results);
  }

  private Value rebuild(Value v) {
    Value target = v;
    while (replacement.containsKey(target)) {
      target = replacement.get(target);
    }
    Node node = built.get(target.node);
    if (node == null) {
      List<Value> inputs = target.node.inputs.stream().map(this::rebuild).toList();
      List<Value> after = target.node.after.stream().map(this::rebuild).toList();
      node = new Node(target.node.op, inputs, after);
      built.put(target.node, node);
      order.add(node);
    }
    return node.outputs.get(target.index);
  }

  /** A graph in which some nodes take other values in place of those that they take now. */
  static Graph withInputs(Graph graph, Map<Node, Map<Value, Value>> inputsOf) {
    if (inputsOf.isEmpty()) {
      return graph;
    }
    Rewriter rewriter = new Rewriter();
    inputsOf.forEach(
        (user, others) -> {
          List<Value> inputs = user.inputs.stream().map(v -> others.getOrDefault(v, v)).toList();
          Node copy = new Node(user.op, inputs, user.after);
          user.outputs.forEach(v -> rewriter.replace(v, copy.outputs.get(v.index)));
        });
    return rewriter.apply(graph);
  }
}
