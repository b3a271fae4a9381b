package dev.kantor.graph;

import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.tensor.Shape;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Values that are never stored because whoever uses them makes them anew from a tensor that is in
 * memory anyway: what an affine map by channel and an activation make of a convolution's output,
 * say. A convolution makes such an operand while it packs it (the prologue of conv2d.h); an
 * elementwise node has the chain in its own kernel.
 *
 * <p>The rule: a value is made anew if each of its users can do so, and if its chain of elementwise
 * nodes reads one tensor of its shape, which is stored for others' sake. Then making it costs
 * arithmetic alone: each user reads one tensor either way, and writing the value is saved.
 */
final class Recompute {
  /**
   * Elements of the smallest plane that is worth it: on fewer the calls of the program cost more
   * than the memory traffic.
   */
  static final long LEAST_PLANE = 256;

  private final Uses uses;
  private final Map<Value, Boolean> stored = new HashMap<>();

  Recompute(Graph graph) {
    uses = new Uses(graph);
  }

  /**
   * A convolution's operand, and how it is made.
   *
   * @param source the stored tensor of the operand's shape
   * @param nodes the chain, in order
   */
  record Chain(Value source, List<Node> nodes) {
    Value result() {
      return nodes.getLast().output();
    }
  }

  /** The inputs of a node that its kernel can make while it reads them. */
  static List<Integer> madeOperands(Node n) {
    return switch (n.op) {
      case Convolution.WeightGrad _ -> List.of(0, 1);
      case Convolution _ -> List.of(0);
      default -> List.of();
    };
  }

  /** A graph in which each user of a value that is made anew has a chain of its own. */
  static Graph run(Graph graph) {
    Recompute r = new Recompute(graph);
    Map<Node, Map<Value, Value>> inputsOf = new HashMap<>();
    for (Node n : graph.nodes) {
      for (int i : madeOperands(n)) {
        r.chain(n.inputs.get(i)).ifPresent(c -> r.copyForUsers(c, inputsOf));
      }
    }
    return Rewriter.withInputs(graph, inputsOf);
  }

  private void copyForUsers(Chain chain, Map<Node, Map<Value, Value>> inputsOf) {
    Set<Node> inside = new HashSet<>(chain.nodes);
    for (Node made : chain.nodes) {
      for (Node user : new LinkedHashSet<>(uses.of(made.output()))) {
        if (!inside.contains(user)) {
          inputsOf
              .computeIfAbsent(user, u -> new HashMap<>())
              .computeIfAbsent(made.output(), v -> copy(chain, v));
        }
      }
    }
  }

  private static Value copy(Chain chain, Value wanted) {
    Map<Value, Value> copies = new HashMap<>();
    for (Node n : chain.nodes) {
      List<Value> inputs = n.inputs.stream().map(v -> copies.getOrDefault(v, v)).toList();
      copies.put(n.output(), new Node(n.op, inputs).output());
    }
    return copies.get(wanted);
  }

  /** Whether all that a chain computes is for this user alone. */
  boolean isOwn(Chain chain, Node user) {
    Set<Node> inside = new HashSet<>(chain.nodes);
    return chain.nodes.stream()
        .flatMap(n -> uses.of(n.output()).stream())
        .allMatch(u -> u == user || inside.contains(u));
  }

  /** How an operand is made anew; empty if it is read from memory. */
  Optional<Chain> chain(Value operand) {
    if (operand.shape().rank() != 4
        || operand.shape().product(2, 4) < LEAST_PLANE
        || isStored(operand)) {
      return Optional.empty();
    }
    LinkedHashSet<Node> nodes = new LinkedHashSet<>();
    Set<Value> sources = new LinkedHashSet<>();
    gather(operand, operand.shape(), nodes, sources);
    if (sources.size() != 1 || !isStored(sources.iterator().next())) {
      return Optional.empty();
    }
    Chain chain = new Chain(sources.iterator().next(), List.copyOf(nodes));
    return program(chain).map(_ -> chain);
  }

  private void gather(Value v, Shape shape, Set<Node> nodes, Set<Value> sources) {
    if (!Fuse.isPoint(v.node) || isStored(v)) {
      sources.add(v);
      return;
    }
    if (nodes.contains(v.node)) {
      return;
    }
    for (Value in : v.node.inputs) {
      if (in.shape().equals(shape)) {
        gather(in, shape, nodes, sources);
      }
    }
    nodes.add(v.node);
  }

  /** The chain as the program of a prologue; empty if it does not fit one. */
  static Optional<PointProgram> program(Chain chain) {
    Shape shape = chain.result().shape();
    return PointProgram.of(shape, chain.nodes, List.of(), chain.source, chain.result(), null, 2);
  }

  /**
   * Whether a value must be in memory for the sake of a user who neither makes it anew nor is
   * elementwise.
   */
  private boolean isStored(Value v) {
    return stored.computeIfAbsent(
        v,
        k -> {
          if (!Fuse.isPoint(k.node) && !Fuse.hasEpilogue(k.node)) {
            return true;
          }
          for (Node user : uses.of(k)) {
            if (user == null || !(isElementwiseOn(user, k) || makes(user, k))) {
              return true;
            }
          }
          return false;
        });
  }

  static boolean isElementwiseOn(Node user, Value v) {
    return Fuse.isPoint(user)
        && !(user.op instanceof Broadcast)
        && user.output().shape().equals(v.shape());
  }

  static boolean makes(Node user, Value v) {
    List<Integer> made = madeOperands(user);
    for (int i = 0; i < user.inputs.size(); i++) {
      if (user.inputs.get(i) == v && !made.contains(i)) {
        return false;
      }
    }
    return !made.isEmpty() && !user.after.contains(v);
  }
}
