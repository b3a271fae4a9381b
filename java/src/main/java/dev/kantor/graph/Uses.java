package dev.kantor.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Who uses a value: nodes, each once a use; a result counts as a use by null. */
final class Uses {
  private final Map<Value, List<Node>> users = new HashMap<>();

  Uses(Graph g) {
    for (Node n : g.nodes) {
      n.inputs.forEach(v -> users.computeIfAbsent(v, k -> new ArrayList<>()).add(n));
      n.after.forEach(v -> users.computeIfAbsent(v, k -> new ArrayList<>()).add(n));
    }
    g.results.values().forEach(v -> users.computeIfAbsent(v, k -> new ArrayList<>()).add(null));
  }

  List<Node> of(Value v) {
    return users.getOrDefault(v, List.of());
  }
}
