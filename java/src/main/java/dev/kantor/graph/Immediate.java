package dev.kantor.graph;

import dev.kantor.tensor.Device;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs an op outside a trace, as a program of that one op; programs are kept for the next op of the
 * same types and shapes.
 */
final class Immediate {
  private Immediate() {}

  /** A tensor that was handed in. */
  record Given(Spec spec) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(spec);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of();
    }
  }

  private record Key(Op op, List<Spec> inputs) {}

  private record OneOp(Program program, State state, List<Slot> inputs, List<Slot> outputs) {}

  private static final Map<Key, OneOp> CACHE = new HashMap<>();

  static Node run(Op op, List<Value> inputs) {
    for (Value v : inputs) {
      if (v.data == null) {
        throw new IllegalStateException(
            op.label()
                + ": an operand of shape "
                + v.shape()
                + " belongs to a trace that has ended; read the slot it was written to instead");
      }
    }
    boolean tracked = inputs.stream().anyMatch(v -> v.tracked);
    Node node = new Node(op, inputs);
    compute(node);
    if (tracked) {
      node.outputs.forEach(v -> v.tracked = true);
      return node;
    }
    // Nobody can ask for a gradient through it, so its inputs need not be kept alive.
    List<Spec> specs = node.outputs.stream().map(Value::spec).toList();
    Node leaf =
        new Node(op instanceof Elementwise.Fill ? op : new Computed(op.label(), specs), List.of());
    leaf.outputs.forEach(v -> v.data = node.outputs.get(v.index).data);
    return leaf;
  }

  /** What an op without remembered inputs left. */
  private record Computed(String label, List<Spec> specs) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      return specs;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of();
    }
  }

  private static synchronized void compute(Node node) {
    Key key = new Key(node.op, node.inputs.stream().map(Value::spec).toList());
    OneOp one = CACHE.computeIfAbsent(key, Immediate::compile);
    for (int i = 0; i < node.inputs.size(); i++) {
      one.state.write(one.inputs.get(i), node.inputs.get(i).data);
    }
    one.program.run(1);
    for (int i = 0; i < node.outputs.size(); i++) {
      node.outputs.get(i).data = one.state.read(one.outputs.get(i), Arena.ofAuto());
    }
  }

  private static OneOp compile(Key key) {
    State state = new State(Device.shared());
    List<Slot> inputs = new ArrayList<>();
    for (Spec spec : key.inputs) {
      inputs.add(state.add(new Slot("in" + inputs.size(), spec.dtype(), spec.shape())));
    }
    List<Slot> outputs = new ArrayList<>();
    Graph graph =
        Trace.of(
            t -> {
              Node n = t.record(key.op, inputs.stream().map(t::read).toList());
              for (Value v : n.outputs) {
                Slot slot = state.add(new Slot("out" + v.index, v.dtype(), v.shape()));
                outputs.add(slot);
                t.write(slot, v);
              }
            });
    return new OneOp(Program.compile(graph, state), state, inputs, outputs);
  }
}
