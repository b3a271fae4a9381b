package dev.kantor.graph;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A traced iteration: nodes in an order to run them, and the values that its slots have at the end.
 *
 * <p>Every pass maps a graph to a graph.
 */
public final class Graph {
  final List<Node> nodes;
  final Map<Slot, Value> results;

  Graph(List<Node> nodes, Map<Slot, Value> results) {
    this.nodes = List.copyOf(nodes);
    this.results = new LinkedHashMap<>(results);
  }

  /** Number of nodes. */
  public int size() {
    return nodes.size();
  }

  /** Arithmetic operations of an iteration, as written. */
  public long flops() {
    return nodes.stream().mapToLong(n -> n.op.flops(n)).sum();
  }

  /** A listing, a line a node. */
  @Override
  public String toString() {
    Map<Value, String> names = new HashMap<>();
    StringBuilder s = new StringBuilder();
    int i = 0;
    for (Node n : nodes) {
      for (Value v : n.outputs) {
        names.put(v, "%" + i + (n.outputs.size() > 1 ? "." + v.index : ""));
      }
      s.append(
          String.format(
              "%%%-4d %-24s %-40s <- %s%n",
              i++,
              label(n),
              String.join(", ", n.outputs.stream().map(v -> v.spec().toString()).toList()),
              String.join(" ", n.inputs.stream().map(names::get).toList())));
    }
    results.forEach((slot, v) -> s.append(String.format("%s := %s%n", slot.name(), names.get(v))));
    return s.toString();
  }

  private static String label(Node n) {
    return switch (n.op) {
      case Structural.MatMul m ->
          "matmul" + (m.transposeA() ? " T" : " N") + (m.transposeB() ? "T" : "N");
      case Elementwise.Fill f -> "fill " + f.value();
      case Elementwise.Unary u when u.immediate() != 0 -> u.label() + " " + u.immediate();
      default -> n.op.label();
    };
  }
}
