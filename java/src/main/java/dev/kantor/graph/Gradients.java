package dev.kantor.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reverse-mode differentiation: a map from a graph to a graph, to any order. */
public final class Gradients {
  private Gradients() {}

  /**
   * The gradients of {@code sum_k <outputs_k, gradOutputs_k>} with respect to each input.
   *
   * @param outputs what to differentiate
   * @param inputs with respect to what
   * @param gradOutputs cotangents of the outputs' shapes; null, or null elements, mean 1, for
   *     outputs of one element
   * @param retainGraph keeps the graph, so that another gradient can be taken through it
   * @param createGraph makes gradients that can be differentiated themselves
   * @throws IllegalArgumentException if an input does not influence the outputs (see {@link
   *     Options#allowUnused}), or a cotangent is missing or has another shape
   * @throws IllegalStateException if the graph was freed by an earlier gradient without
   *     retainGraph, or an output was made by a gradient without createGraph
   */
  public static List<Value> grad(
      List<Value> outputs,
      List<Value> inputs,
      List<Value> gradOutputs,
      boolean retainGraph,
      boolean createGraph) {
    return grad(outputs, inputs, gradOutputs, new Options(retainGraph, createGraph, false));
  }

  /**
   * The gradient of a one-element output with respect to one input, without creating or keeping a
   * graph.
   */
  public static Value grad(Value output, Value input) {
    return grad(List.of(output), List.of(input), null, false, false).getFirst();
  }

  /** The gradients of a one-element output, without creating or keeping a graph. */
  public static List<Value> grad(Value output, List<Value> inputs) {
    return grad(List.of(output), inputs, null, false, false);
  }

  /**
   * @param retainGraph keeps the graph for another gradient through it
   * @param createGraph makes gradients that can be differentiated
   * @param allowUnused gives null for an input that does not influence the outputs, instead of an
   *     error
   */
  public record Options(boolean retainGraph, boolean createGraph, boolean allowUnused) {}

  /** As {@link #grad(List, List, List, boolean, boolean)}, with all the options. */
  public static List<Value> grad(
      List<Value> outputs, List<Value> inputs, List<Value> gradOutputs, Options options) {
    if (outputs.isEmpty() || inputs.isEmpty()) {
      throw new IllegalArgumentException("grad: expected at least one output and one input");
    }
    List<Value> seeds = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      Value output = outputs.get(i);
      Value g = gradOutputs == null ? null : gradOutputs.get(i);
      if (g == null && output.shape().count() != 1) {
        throw new IllegalArgumentException(
            "grad: output "
                + i
                + " has shape "
                + output.shape()
                + "; without a gradOutput only outputs of one element can be differentiated. Give"
                + " gradOutputs, or sum the output.");
      }
      if (g != null && !g.shape().equals(output.shape())) {
        throw new IllegalArgumentException(
            "grad: gradOutput " + i + " has shape " + g.shape() + ", its output " + output.shape());
      }
      seeds.add(g == null ? Ops.fullLike(output, 1) : g);
    }
    if (Trace.current() == null) {
      for (int i = 0; i < inputs.size(); i++) {
        if (!inputs.get(i).tracked) {
          throw new IllegalArgumentException(
              "grad: input "
                  + i
                  + " does not require a gradient; call requireGradient() on it before the"
                  + " operations that use it");
        }
      }
    }
    Set<Node> existing = options.createGraph ? Set.of() : Path.ancestors(outputs, seeds);
    Path path = Path.between(outputs, inputs);
    List<Value> result = path.pullBack(outputs, inputs, seeds, true);
    for (int i = 0; i < inputs.size(); i++) {
      if (result.get(i) == null && !path.reaches(inputs.get(i)) && !options.allowUnused) {
        throw new IllegalArgumentException(
            "grad: input "
                + i
                + " of shape "
                + inputs.get(i).shape()
                + " does not influence the outputs; leave it out, or set allowUnused to get null"
                + " for it");
      }
    }
    // An input that is used, but only where the derivative is zero, has a gradient of zeros.
    List<Value> gradients = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      Value g = result.get(i);
      boolean unused = g == null && !path.reaches(inputs.get(i));
      Value gradient = g != null || unused ? g : Ops.fullLike(inputs.get(i), 0);
      // A gradient that happens to be a value of the graph must not be differentiable by that
      // accident.
      boolean borrowed = gradient != null && existing.contains(gradient.node);
      gradients.add(borrowed ? Ops.identity(gradient) : gradient);
    }
    if (!options.createGraph) {
      markNew(gradients, existing);
    }
    if (!options.retainGraph && !options.createGraph) {
      path.free();
    }
    return gradients;
  }

  /**
   * Vector-Jacobian product for derivative rules: null where structurally zero; keeps and creates
   * the graph.
   */
  static List<Value> vjp(List<Value> outputs, List<Value> inputs, List<Value> cotangents) {
    return Path.within(outputs, inputs).pullBack(outputs, inputs, cotangents, false);
  }

  private static void markNew(List<Value> gradients, Set<Node> existing) {
    List<Node> stack = new ArrayList<>();
    gradients.stream().filter(g -> g != null).forEach(g -> stack.add(g.node));
    Set<Node> seen = new HashSet<>(existing);
    while (!stack.isEmpty()) {
      Node n = stack.removeLast();
      if (seen.add(n)) {
        n.lineage = Node.Lineage.NOT_CREATED;
        n.outputs.forEach(v -> v.tracked = false);
        n.inputs.forEach(v -> stack.add(v.node));
      }
    }
  }

  /** The nodes through which inputs influence outputs, in an order to run them. */
  private static final class Path {
    private final List<Node> nodes = new ArrayList<>();
    private final Set<Value> influenced = new HashSet<>();
    private final Set<Value> reached = new HashSet<>();

    static Set<Node> ancestors(List<Value> outputs, List<Value> more) {
      Path all = new Path();
      Set<Node> seen = new HashSet<>();
      outputs.forEach(v -> all.visit(v.node, Set.of(), seen, false));
      more.forEach(v -> all.visit(v.node, Set.of(), seen, false));
      return seen;
    }

    /** All paths, those from one input over another included. */
    static Path between(List<Value> outputs, List<Value> inputs) {
      return of(outputs, inputs, false);
    }

    /** The paths on which each input is taken as given, whatever it depends on. */
    static Path within(List<Value> outputs, List<Value> inputs) {
      return of(outputs, inputs, true);
    }

    private static Path of(List<Value> outputs, List<Value> inputs, boolean stopAtInputs) {
      Path path = new Path();
      Set<Value> wanted = new HashSet<>(inputs);
      Set<Node> seen = new HashSet<>();
      for (Value output : outputs) {
        if (!(stopAtInputs && wanted.contains(output))) {
          path.visit(output.node, wanted, seen, stopAtInputs);
        }
        if (wanted.contains(output)) {
          path.reached.add(output);
        }
      }
      return path;
    }

    /** State that an update has left counts as given: what it was before has no influence. */
    private static boolean isDifferentiable(Node n) {
      return !(n.op instanceof Effects.Optimize
          || n.op instanceof Effects.GradientNorms
          || n.op instanceof Effects.RingWrite
          || n.op instanceof Effects.CounterAdd);
    }

    boolean reaches(Value input) {
      return reached.contains(input);
    }

    /** Depth first without recursion; graphs of loops are deep. */
    private void visit(Node root, Set<Value> wanted, Set<Node> seen, boolean stopAtWanted) {
      record Frame(Node node, int[] next) {}
      List<Frame> stack = new ArrayList<>();
      if (seen.add(root)) {
        stack.add(new Frame(root, new int[1]));
      }
      while (!stack.isEmpty()) {
        Frame f = stack.getLast();
        if (f.next[0] < f.node.inputs.size() && isDifferentiable(f.node)) {
          Value in = f.node.inputs.get(f.next[0]++);
          if (wanted.contains(in)) {
            reached.add(in);
          }
          if (!(stopAtWanted && wanted.contains(in)) && seen.add(in.node)) {
            stack.add(new Frame(in.node, new int[1]));
          }
          continue;
        }
        stack.removeLast();
        boolean on =
            f.node.inputs.stream().anyMatch(v -> wanted.contains(v) || influenced.contains(v));
        if (on && isDifferentiable(f.node)) {
          nodes.add(f.node);
          influenced.addAll(f.node.outputs);
        }
      }
    }

    List<Value> pullBack(
        List<Value> outputs, List<Value> inputs, List<Value> cotangents, boolean check) {
      Map<Value, Value> adjoint = new HashMap<>();
      for (int i = 0; i < outputs.size(); i++) {
        adjoint.merge(outputs.get(i), cotangents.get(i), Ops::add);
      }
      Set<Value> wanted = new HashSet<>(inputs);
      for (Node node : nodes.reversed()) {
        List<Value> g = new ArrayList<>();
        node.outputs.forEach(v -> g.add(adjoint.get(v)));
        if (g.stream().allMatch(v -> v == null)) {
          continue;
        }
        if (check) {
          requireLineage(node);
        }
        List<Value> flows = node.op.gradient(node, g);
        for (int i = 0; i < flows.size(); i++) {
          Value in = node.inputs.get(i);
          Value flow = flows.get(i);
          if (flow != null && (wanted.contains(in) || influenced.contains(in))) {
            adjoint.merge(in, flow, Ops::add);
          }
        }
      }
      return Arrays.asList(inputs.stream().map(adjoint::get).toArray(Value[]::new));
    }

    private static void requireLineage(Node node) {
      switch (node.lineage) {
        case KEPT -> {}
        case FREED ->
            throw new IllegalStateException(
                "grad: the graph through "
                    + node.op.label()
                    + " was freed by an earlier gradient; take that one with retainGraph = true to"
                    + " differentiate again");
        case NOT_CREATED ->
            throw new IllegalStateException(
                "grad: "
                    + node.op.label()
                    + " belongs to a gradient that was made without createGraph, so it cannot be"
                    + " differentiated again; make that gradient with createGraph = true");
      }
    }

    void free() {
      nodes.forEach(n -> n.lineage = Node.Lineage.FREED);
    }
  }
}
