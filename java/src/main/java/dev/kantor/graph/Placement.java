package dev.kantor.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which memory each value is: its own buffer of the arena, a slot, or a part of another value's. Reshapes and row ranges are parts of their
 * source, updated state takes over the slot, and what is concatenated by rows is computed in its place where it can be.
 */
final class Placement {
  /** Elements from the start of {@code root}, a value with memory of its own. */
  record Home(Value root, long offset) {}

  private record Inside(Value whole, long offset) {}

  private final Map<Value, Inside> inside = new HashMap<>();

  Placement(List<Node> nodes) {
    for (Node n : nodes) {
      if (n.op instanceof Structural.Reshape) {
        inside.put(n.output(), new Inside(n.inputs.getFirst(), 0));
      } else if (n.op instanceof Structural.Slice(int axis, long start, long _) && axis == 0) {
        inside.put(n.output(), new Inside(n.inputs.getFirst(), start * rowSize(n.inputs.getFirst())));
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
  }

  private void place(Node concat) {
    long at = 0;
    for (Value part : concat.inputs) {
      Value base = part;
      while (base.node.op instanceof Structural.Reshape) {
        base = base.node.inputs.getFirst();
      }
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
    Value base = part;
    while (base.node.op instanceof Structural.Reshape) {
      base = base.node.inputs.getFirst();
    }
    Inside i = inside.get(base);
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
