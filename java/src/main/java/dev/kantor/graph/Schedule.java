package dev.kantor.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * An order for units: inputs first, and whoever reads a slot's old contents before they are
 * updated.
 */
final class Schedule {
  private Schedule() {}

  static List<Fuse.Unit> order(Graph graph, List<Fuse.Unit> units) {
    Map<Node, Integer> position = new HashMap<>();
    graph.nodes.forEach(n -> position.put(n, position.size()));
    Map<Node, Fuse.Unit> unitOf = new HashMap<>();
    units.forEach(u -> u.nodes().forEach(n -> unitOf.put(n, u)));
    Map<Fuse.Unit, Set<Fuse.Unit>> before = new HashMap<>();
    units.forEach(u -> before.put(u, new HashSet<>()));
    Map<Value, List<Fuse.Unit>> readers = new HashMap<>();
    for (Fuse.Unit u : units) {
      for (Node n : u.nodes()) {
        List<Value> needed = new ArrayList<>(n.inputs);
        needed.addAll(n.after);
        for (Value v : needed) {
          Value base = base(v);
          readers.computeIfAbsent(base, k -> new ArrayList<>()).add(u);
          Fuse.Unit producer = unitOf.get(base.node);
          if (producer != null && producer != u) {
            before.get(u).add(producer);
          }
        }
      }
    }
    for (Fuse.Unit u : units) {
      if (u.single == null) {
        continue;
      }
      for (Value v : u.single.outputs) {
        int in = Effects.inPlaceInput(u.single, v.index);
        if (in >= 0) {
          Value old = base(u.single.inputs.get(in));
          readers.getOrDefault(old, List.of()).stream()
              .filter(r -> r != u)
              .forEach(before.get(u)::add);
        }
      }
    }
    return sort(units, before, position);
  }

  private static List<Fuse.Unit> sort(
      List<Fuse.Unit> units, Map<Fuse.Unit, Set<Fuse.Unit>> before, Map<Node, Integer> position) {
    Map<Fuse.Unit, Integer> time = new HashMap<>();
    Map<Fuse.Unit, Integer> waiting = new HashMap<>();
    Map<Fuse.Unit, List<Fuse.Unit>> next = new HashMap<>();
    PriorityQueue<Fuse.Unit> ready =
        new PriorityQueue<>((a, b) -> Integer.compare(time.get(a), time.get(b)));
    for (Fuse.Unit u : units) {
      time.put(u, u.nodes().stream().mapToInt(position::get).max().orElseThrow());
      waiting.put(u, before.get(u).size());
      before.get(u).forEach(b -> next.computeIfAbsent(b, k -> new ArrayList<>()).add(u));
      if (before.get(u).isEmpty()) {
        ready.add(u);
      }
    }
    List<Fuse.Unit> order = new ArrayList<>();
    while (!ready.isEmpty()) {
      Fuse.Unit u = ready.poll();
      order.add(u);
      for (Fuse.Unit w : next.getOrDefault(u, List.of())) {
        if (waiting.merge(w, -1, Integer::sum) == 0) {
          ready.add(w);
        }
      }
    }
    if (order.size() < units.size()) {
      Set<Fuse.Unit> rest = new HashSet<>(units);
      order.forEach(rest::remove);
      throw new IllegalStateException(
          "a slot's old contents are used after it was updated, by one of "
              + rest.stream()
                  .flatMap(u -> u.nodes().stream())
                  .map(n -> n.op.label())
                  .distinct()
                  .toList()
              + "; read the slot again after the update");
    }
    return order;
  }

  /** The value that a view looks at. */
  private static Value base(Value v) {
    Value at = v;
    while (Fuse.isView(at.node)) {
      at = at.node.inputs.getFirst();
    }
    return at;
  }
}
