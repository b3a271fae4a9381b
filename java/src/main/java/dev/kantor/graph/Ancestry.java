package dev.kantor.graph;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** Which nodes depend on which, directly or through others. */
final class Ancestry {
  private final Map<Node, Integer> index = new HashMap<>();
  private final BitSet[] ancestors;

  Ancestry(Graph g) {
    ancestors = new BitSet[g.nodes.size()];
    for (Node n : g.nodes) {
      int i = index.size();
      index.put(n, i);
      BitSet set = new BitSet(i + 1);
      n.inputs.forEach(v -> include(set, v));
      n.after.forEach(v -> include(set, v));
      ancestors[i] = set;
    }
  }

  private void include(BitSet set, Value v) {
    int i = index.get(v.node);
    set.set(i);
    set.or(ancestors[i]);
  }

  /** Whether {@code to} needs {@code from}. */
  boolean leadsTo(Node from, Node to) {
    return ancestors[index.get(to)].get(index.get(from));
  }
}
