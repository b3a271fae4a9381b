package dev.kantor.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which memory each value is: its own buffer of the arena, a slot, or a part of another value's.
 * Reshapes and row ranges are parts of their source, updated state takes over the slot, and what is
 * concatenated by rows is computed in its place where it can be.
 */
final class Placement {
  /** Elements from the start of {@code root}, a value with memory of its own. */
  record Home(Value root, long offset) {}

  private record Inside(Value whole, long offset) {}

  private final Map<Value, Inside> inside = new HashMap<>();

  /**
   * @param guarded whether writes to state depend on the fault flag, so that a slot must not be
   *     written before its assignment
   */
  Placement(Graph graph, boolean guarded) {
    List<Node> nodes = graph.nodes;
    for (Node n : nodes) {
      if (n.op instanceof Structural.Reshape) {
        inside.put(n.output(), new Inside(n.inputs.getFirst(), 0));
      } else if (n.op instanceof Structural.Slice(int axis, long start, long _) && axis == 0) {
        inside.put(
            n.output(), new Inside(n.inputs.getFirst(), start * rowSize(n.inputs.getFirst())));
      }
      for (Value v : n.outputs) {
        int in = Effects.inPlaceInput(n, v.index);
        if (in >= 0) {
          inside.put(v, new Inside(n.inputs.get(in), 0));
        }
      }
    }
    for (Node n : nodes) {
      if (n.op instanceof Structural.Concat(int axis) && axis == 0) {
        place(n);
      }
    }
    if (!guarded) {
      Uses uses = new Uses(graph);
      nodes.stream()
          .filter(n -> n.op instanceof Effects.Assign)
          .forEach(n -> computeInSlot(n, uses));
    }
  }

  /**
   * A value that is assigned to a slot, for good, whose old contents nobody reads is computed
   * there.
   */
  private void computeInSlot(Node assign, Uses uses) {
    Value old = assign.inputs.get(0);
    Value base = base(assign.inputs.get(1));
    boolean isLast = uses.of(assign.output()).stream().allMatch(user -> user == null);
    if (isLast
        && uses.of(old).size() == 1
        && old.node.op instanceof Sources.ReadSlot
        && !(base.node.op instanceof Sources.ReadSlot)
        && !inside.containsKey(base)) {
      inside.put(base, new Inside(old, 0));
    }
  }

  /** The value whose elements these are. */
  private static Value base(Value v) {
    Value at = v;
    while (at.node.op instanceof Structural.Reshape) {
      at = at.node.inputs.getFirst();
    }
    return at;
  }

  /** Whether an assignment has nothing left to do. */
  boolean isComputedInSlot(Node assign) {
    Inside i = inside.get(base(assign.inputs.get(1)));
    return i != null && i.whole == assign.inputs.get(0);
  }

  private void place(Node concat) {
    long at = 0;
    for (Value part : concat.inputs) {
      Value base = base(part);
      if (!(base.node.op instanceof Sources.ReadSlot) && !inside.containsKey(base)) {
        inside.put(base, new Inside(concat.output(), at));
      }
      at += part.shape().count();
    }
  }

  private static long rowSize(Value v) {
    return v.shape().count() / v.shape().dim(0);
  }

  /** Where a value is. */
  Home home(Value v) {
    long offset = 0;
    Value at = v;
    for (Inside i = inside.get(at); i != null; i = inside.get(at)) {
      offset += i.offset;
      at = i.whole;
    }
    return new Home(at, offset);
  }

  /** Whether a part of a concatenation is computed in its place, so that nothing need be copied. */
  boolean isInside(Value part, Node concat) {
    Inside i = inside.get(base(part));
    long at = 0;
    for (Value p : concat.inputs) {
      if (p == part) {
        return i != null && i.whole == concat.output() && i.offset == at;
      }
      at += p.shape().count();
    }
    return false;
  }
}
