package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Fill;
import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The program of a fused elementwise kernel (pointwise.h): its nodes in order, with registers given
 * out by last use.
 *
 * @param operands what it reads, each with its access pattern
 * @param stores the values it writes, in order of the outputs
 * @param result the register of the value that a reduction sums, or 0
 */
record PointProgram(
    Domain domain, List<Value> operands, List<Value> stores, long[] code, int result) {
  private static final int REGISTERS = 16;
  private static final int MOST_OPERANDS = 64;
  private static final int MOST_STORES = 16;
  private static final int INPUT = 0;
  private static final int ACCUMULATOR = 1;
  private static final int STORE = 2;
  private static final int CONSTANT = 3;

  /**
   * @param nodes elementwise, broadcast and fill nodes of one shape, in order to run them
   * @param stores which of their values are written; may contain the accumulator
   * @param accumulator the value the surrounding op computes, or null
   * @param summed the value to sum, or null
   * @param reduced the shape to sum to, or null
   * @param split 1 to fix the domain's split for a matrix product, -1 to choose it
   * @return empty if an operand has no access pattern, or there are more operands, stores or live
   *     values than the core takes
   */
  static Optional<PointProgram> of(
      Shape shape,
      List<Node> nodes,
      List<Value> stores,
      Value accumulator,
      Value summed,
      Shape reduced,
      int split) {
    Set<Value> inside = new LinkedHashSet<>();
    nodes.forEach(n -> inside.add(n.output()));
    Set<Value> operands = new LinkedHashSet<>();
    for (Node n : nodes) {
      for (Value v : n.inputs) {
        if (!inside.contains(v) && v != accumulator) {
          operands.add(v);
        }
      }
    }
    for (Value v : stores) {
      if (!inside.contains(v) && v != accumulator) {
        operands.add(v);
      }
    }
    if (summed != null && !inside.contains(summed)) {
      operands.add(summed);
    }
    if (operands.size() > MOST_OPERANDS || stores.size() > MOST_STORES) {
      return Optional.empty();
    }
    List<Shape> shapes = operands.stream().map(Value::shape).toList();
    Optional<Domain> domain =
        split < 0
            ? Domain.of(shape, shapes, reduced)
            : Optional.of(new Domain(shape, split))
                .filter(d -> shapes.stream().allMatch(s -> d.access(s).isPresent()));
    return domain.flatMap(
        d -> new Coder(d, List.copyOf(operands), stores, accumulator, summed, nodes).code());
  }

  /** The words of the attributes. */
  List<Long> words() {
    List<Long> w =
        new ArrayList<>(List.of(domain.rows(), domain.columns(), (long) operands.size()));
    for (Value v : operands) {
      Domain.Access a = domain.access(v.shape()).orElseThrow();
      w.addAll(List.of(a.period(), a.rowStride(), a.columnStride()));
    }
    w.add((long) stores.size());
    w.add((long) code.length);
    for (long c : code) {
      w.add(c);
    }
    return w;
  }

  private static long word(int op, int dst, int a, int b, float immediate) {
    return op
        | dst << 8
        | a << 16
        | (long) b << 24
        | (long) Float.floatToRawIntBits(immediate) << 32;
  }

  private static final class Coder {
    private final Domain domain;
    private final List<Value> operands;
    private final List<Value> stores;
    private final Value accumulator;
    private final Value summed;
    private final Map<Value, Integer> remaining = new HashMap<>();
    private final Map<Value, Integer> register = new LinkedHashMap<>();
    private final boolean[] taken = new boolean[REGISTERS];
    private final List<Long> code = new ArrayList<>();
    private final List<Node> nodes;
    private final Set<Node> members;
    private boolean overflow;

    Coder(
        Domain domain,
        List<Value> operands,
        List<Value> stores,
        Value accumulator,
        Value summed,
        List<Node> nodes) {
      this.nodes = nodes;
      this.members = new LinkedHashSet<>(nodes);
      this.domain = domain;
      this.operands = operands;
      this.stores = stores;
      this.accumulator = accumulator;
      this.summed = summed;
    }

    Optional<PointProgram> code() {
      for (Node n : nodes) {
        if (!(n.op instanceof Broadcast)) {
          n.inputs.forEach(v -> remaining.merge(resolve(v), 1, Integer::sum));
        }
      }
      stores.forEach(v -> remaining.merge(resolve(v), 1, Integer::sum));
      if (summed != null) {
        remaining.merge(resolve(summed), 1, Integer::sum);
      }
      if (accumulator != null) {
        storeIfWanted(accumulator);
      }
      for (Node n : nodes) {
        if (!(n.op instanceof Broadcast) && remaining.getOrDefault(n.output(), 0) > 0) {
          emit(n);
        }
        storeIfWanted(n.output());
      }
      for (Value v : stores) {
        if (operands.contains(v)) {
          storeIfWanted(v);
        }
      }
      int result = summed == null ? 0 : load(summed);
      if (overflow) {
        return Optional.empty();
      }
      return Optional.of(
          new PointProgram(
              domain,
              operands,
              stores,
              code.stream().mapToLong(Long::longValue).toArray(),
              result));
    }

    /** A broadcast is only another way to read its input. */
    private Value resolve(Value v) {
      return v.node.op instanceof Broadcast && members.contains(v.node)
          ? v.node.inputs.getFirst()
          : v;
    }

    private void emit(Node n) {
      if (n.op instanceof Fill f) {
        define(n.output(), CONSTANT, 0, 0, f.value());
        return;
      }
      Elementwise e = (Elementwise) n.op;
      int a = load(n.inputs.get(0));
      int b = n.inputs.size() > 1 ? load(n.inputs.get(1)) : 0;
      n.inputs.forEach(this::release);
      define(n.output(), e.code(), a, b, e.immediate());
    }

    private void storeIfWanted(Value v) {
      int output = stores.indexOf(v);
      if (output >= 0) {
        code.add(word(STORE, 0, load(v), output, 0f));
        release(v);
      }
    }

    private int load(Value value) {
      Value v = resolve(value);
      Integer r = register.get(v);
      if (r != null) {
        return r;
      }
      if (v == accumulator) {
        return define(v, ACCUMULATOR, 0, 0, 0f);
      }
      int operand = operands.indexOf(v);
      if (operand < 0) {
        throw new IllegalStateException("no register holds " + v);
      }
      return define(v, INPUT, operand, 0, 0f);
    }

    private int define(Value v, int op, int a, int b, float immediate) {
      int r = 0;
      while (r < REGISTERS && taken[r]) {
        r++;
      }
      if (r == REGISTERS) {
        overflow = true;
        r = 0;
      }
      taken[r] = true;
      register.put(v, r);
      code.add(word(op, r, a, b, immediate));
      return r;
    }

    private void release(Value value) {
      Value v = resolve(value);
      if (remaining.merge(v, -1, Integer::sum) == 0) {
        Integer r = register.remove(v);
        if (r != null) {
          taken[r] = false;
        }
      }
    }
  }
}
