package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Fill;
import dev.kantor.graph.Elementwise.Unary;
import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.graph.Structural.MatMul;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.graph.Structural.Slice;
import dev.kantor.graph.Structural.SumTo;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Groups nodes into units, each of which becomes one kernel: chains of elementwise nodes, alone, or
 * as the epilogue of a matrix product, or as the prologue of a reduction or a convolution.
 *
 * <p>A group may be entered only if no path leads from it out and back in: the unit runs as a
 * whole.
 */
final class Fuse {
  /** Nodes that run as one kernel. */
  static final class Unit {
    final List<Node> points = new ArrayList<>();
    Node product;
    Node sum;

    /** By input of the convolution of this unit: the chain that makes it. */
    final Map<Integer, Recompute.Chain> prologues = new TreeMap<>();

    /** The one node of a unit that is not elementwise. */
    Node single;

    Shape shape;

    List<Node> nodes() {
      List<Node> all = new ArrayList<>(points);
      prologues.values().forEach(c -> all.addAll(c.nodes()));
      if (product != null) {
        all.add(product);
      }
      if (sum != null) {
        all.add(sum);
      }
      if (single != null) {
        all.add(single);
      }
      return all;
    }
  }

  private final Graph graph;
  private final Uses uses;
  private final Map<Node, Unit> unitOf = new HashMap<>();
  private final Map<Node, Integer> position = new HashMap<>();
  private final boolean enabled;

  /** Chains that convolutions make their operands with, by convolution. */
  private final Map<Node, Map<Integer, Recompute.Chain>> prologues = new HashMap<>();

  private final Set<Node> inPrologues = new HashSet<>();

  private Fuse(Graph graph, boolean enabled) {
    this.graph = graph;
    this.uses = new Uses(graph);
    this.enabled = enabled;
    graph.nodes.forEach(n -> position.put(n, position.size()));
  }

  /**
   * A graph in which row ranges of cheap elementwise nodes are computed from row ranges, so that
   * each can fuse with its user.
   */
  static Graph sliceBeforeCheap(Graph graph) {
    Uses uses = new Uses(graph);
    Rewriter rewriter = new Rewriter();
    for (Node n : graph.nodes) {
      if (!(n.op instanceof Slice s && s.axis() == 0)) {
        continue;
      }
      Node source = n.inputs.getFirst().node;
      if (source.op instanceof Unary && isDuplicable(source, uses)) {
        Value rows = new Node(n.op, source.inputs).output();
        rewriter.replace(n.output(), new Node(source.op, List.of(rows)).output());
      } else if (source.op instanceof Broadcast(Shape shape) && repeatsRows(source)) {
        rewriter.replace(
            n.output(), new Node(new Broadcast(shape.with(0, s.length())), source.inputs).output());
      }
    }
    return rewriter.isEmpty() ? graph : Simplify.run(rewriter.apply(graph));
  }

  private static boolean repeatsRows(Node broadcast) {
    Shape from = broadcast.inputs.getFirst().shape();
    return from.rank() < broadcast.output().shape().rank() || from.dim(0) == 1;
  }

  /**
   * A graph in which cheap elementwise nodes stand once for each user, so that each can fuse with
   * its own.
   */
  static Graph duplicateCheap(Graph graph) {
    Uses uses = new Uses(graph);
    Map<Node, Map<Value, Value>> inputsOf = new HashMap<>();
    for (Node n : graph.nodes) {
      List<Node> users = n.outputs.size() == 1 ? uses.of(n.output()) : List.of();
      if (users.size() < 2 || users.contains(null) || !isDuplicable(n, uses)) {
        continue;
      }
      for (Node user : new LinkedHashSet<>(users).stream().skip(1).toList()) {
        inputsOf
            .computeIfAbsent(user, u -> new HashMap<>())
            .put(n.output(), new Node(n.op, n.inputs).output());
      }
    }
    return Rewriter.withInputs(graph, inputsOf);
  }

  private static boolean isDuplicable(Node n, Uses uses) {
    if (n.op instanceof Fill || n.op instanceof Broadcast) {
      return true;
    }
    if (!(n.op instanceof Unary u && u.isCheap())) {
      return false;
    }
    // Only if its input is in memory anyway; else a copy would force it there.
    Value in = n.inputs.getFirst();
    boolean canStayInRegisters = isPoint(in.node) || hasEpilogue(in.node);
    return !canStayInRegisters
        || uses.of(in).stream().anyMatch(user -> user == null || !isPoint(user));
  }

  /** The units of the graph, in no order yet. Views (reshapes and row ranges) belong to none. */
  static List<Unit> run(Graph graph, boolean enabled) {
    Fuse fuse = new Fuse(graph, enabled);
    fuse.findPrologues();
    fuse.groupPoints();
    fuse.attachProducts();
    fuse.attachSums();
    fuse.addSingles();
    Set<Unit> units = new LinkedHashSet<>();
    graph.nodes.stream().map(fuse.unitOf::get).filter(u -> u != null).forEach(units::add);
    return List.copyOf(units);
  }

  static boolean isPoint(Node n) {
    return n.op instanceof Elementwise || n.op instanceof Fill || n.op instanceof Broadcast;
  }

  static boolean isView(Node n) {
    return n.op instanceof Reshape || (n.op instanceof Slice s && s.axis() == 0);
  }

  private void findPrologues() {
    if (!enabled) {
      return;
    }
    Recompute recompute = new Recompute(graph);
    for (Node n : graph.nodes) {
      for (int i : Recompute.madeOperands(n)) {
        Recompute.Chain chain = recompute.chain(n.inputs.get(i)).orElse(null);
        if (chain != null && recompute.isOwn(chain, n)) {
          prologues.computeIfAbsent(n, k -> new TreeMap<>()).put(i, chain);
          inPrologues.addAll(chain.nodes());
        }
      }
    }
  }

  /** A unit's chains, once the unit has its convolution. */
  private void adoptPrologues(Unit u, Node convolution) {
    u.prologues.putAll(prologues.getOrDefault(convolution, Map.of()));
    u.prologues.values().forEach(c -> c.nodes().forEach(n -> unitOf.put(n, u)));
  }

  private void groupPoints() {
    for (Node n : graph.nodes.reversed()) {
      if (!isPoint(n) || inPrologues.contains(n)) {
        continue;
      }
      Unit joined = null;
      if (enabled) {
        for (Node user : uses.of(n.output())) {
          Unit u = user == null || user.op instanceof Broadcast ? null : unitOf.get(user);
          if (u != null
              && u != joined
              && joined == null
              && u.shape.equals(n.output().shape())
              && canJoin(n, u)) {
            joined = u;
          }
        }
      }
      if (joined == null) {
        joined = new Unit();
        joined.shape = n.output().shape();
      }
      joined.points.addFirst(n);
      unitOf.put(n, joined);
    }
  }

  private boolean canJoin(Node n, Unit u) {
    if (leavesAndReturns(n, u)) {
      return false;
    }
    List<Node> nodes = new ArrayList<>();
    nodes.add(n);
    nodes.addAll(u.points);
    return program(u.shape, nodes, null, null, null, -1).isPresent();
  }

  /** Whether a path leads from n over a node outside u back into u. */
  private boolean leavesAndReturns(Node n, Unit u) {
    Set<Node> seen = new LinkedHashSet<>();
    List<Node> stack = new ArrayList<>();
    n.outputs.forEach(
        v -> uses.of(v).stream().filter(x -> x != null && unitOf.get(x) != u).forEach(stack::add));
    while (!stack.isEmpty()) {
      Node x = stack.removeLast();
      if (!seen.add(x)) {
        continue;
      }
      Unit other = unitOf.get(x);
      List<Node> whole = other == null ? List.of(x) : other.nodes();
      for (Node w : whole) {
        seen.add(w);
        for (Value v : w.outputs) {
          for (Node user : uses.of(v)) {
            if (user != null && unitOf.get(user) == u) {
              return true;
            }
            if (user != null && !seen.contains(user)) {
              stack.add(user);
            }
          }
        }
      }
    }
    return false;
  }

  private Optional<PointProgram> program(
      Shape shape, List<Node> nodes, Value accumulator, Value summed, Shape reduced, int split) {
    return PointProgram.of(
        shape, nodes, stores(nodes, accumulator, summed), accumulator, summed, reduced, split);
  }

  /** The values of these nodes that others need. */
  private List<Value> stores(List<Node> nodes, Value accumulator, Value summed) {
    Set<Node> inside = new LinkedHashSet<>(nodes);
    List<Value> stores = new ArrayList<>();
    List<Value> candidates = new ArrayList<>();
    if (accumulator != null) {
      candidates.add(accumulator);
    }
    nodes.forEach(n -> candidates.add(n.output()));
    for (Value v : candidates) {
      boolean needed = uses.of(v).stream().anyMatch(user -> user == null || !inside.contains(user));
      if (v == summed) {
        needed =
            uses.of(v).stream().filter(user -> user == null || !inside.contains(user)).count() > 1;
      }
      if (needed) {
        stores.add(v);
      }
    }
    return stores;
  }

  /** Whether the kernel of this op applies a program of elementwise ops to its first output. */
  static boolean hasEpilogue(Node n) {
    return n.op instanceof MatMul
        || n.op instanceof Convolution.Conv2d
        || n.op instanceof Convolution.DataGrad
        || n.op instanceof ConvChain
        || n.op instanceof Composite.BatchNorm;
  }

  /** How many axes of that output are the rows of the program's domain. */
  private static int epilogueSplit(Node n) {
    return n.output().shape().rank() == 4 ? 2 : n.op instanceof Composite.BatchNorm ? 2 : 1;
  }

  private void attachProducts() {
    for (Node n : graph.nodes.reversed()) {
      if (!hasEpilogue(n)) {
        continue;
      }
      Unit home = null;
      if (enabled) {
        for (Node user : uses.of(n.output())) {
          Unit u = user == null ? null : unitOf.get(user);
          if (u != null
              && home == null
              && u.product == null
              && u.single == null
              && !u.points.isEmpty()
              && u.shape.equals(n.output().shape())
              && !(user.op instanceof Broadcast)
              && !leavesAndReturns(n, u)
              && program(u.shape, u.points, n.output(), null, null, epilogueSplit(n)).isPresent()) {
            home = u;
          }
        }
      }
      if (home == null) {
        home = new Unit();
        home.shape = n.output().shape();
      }
      home.product = n;
      unitOf.put(n, home);
      adoptPrologues(home, n);
    }
  }

  private void attachSums() {
    for (Node n : graph.nodes) {
      if (!(n.op instanceof SumTo(Shape target, float _))) {
        continue;
      }
      Value in = n.inputs.getFirst();
      Unit u = unitOf.get(in.node);
      boolean fits =
          enabled
              && u != null
              && u.product == null
              && u.sum == null
              && !u.points.isEmpty()
              && program(u.shape, u.points, null, in, target, -1).isPresent();
      if (!fits) {
        u = new Unit();
        u.shape = in.shape();
      }
      u.sum = n;
      unitOf.put(n, u);
    }
  }

  private void addSingles() {
    for (Node n : graph.nodes) {
      if (!unitOf.containsKey(n) && !isView(n) && !(n.op instanceof Sources.ReadSlot)) {
        Unit u = new Unit();
        u.single = n;
        unitOf.put(n, u);
        adoptPrologues(u, n);
      }
    }
  }

  /** The kernel of a unit of elementwise nodes, a product or a sum. */
  static Kernel kernel(Graph graph, Unit u) {
    return new Fuse(graph, true).kernel(u);
  }

  private Kernel kernel(Unit u) {
    List<Node> points = new ArrayList<>(u.points);
    points.sort(Comparator.comparing(position::get));
    Value accumulator = u.product == null ? null : u.product.output();
    Value summed = u.sum == null ? null : u.sum.inputs.getFirst();
    Shape reduced = u.sum == null ? null : u.sum.output().shape();
    List<Value> stores = stores(points, accumulator, summed);
    if (u.product != null && points.isEmpty()) {
      stores = List.of(accumulator);
    }
    PointProgram p =
        PointProgram.of(
                u.shape,
                points,
                stores,
                accumulator,
                summed,
                reduced,
                u.product != null ? epilogueSplit(u.product) : -1)
            .orElseThrow(() -> new IllegalStateException("no program for " + points));
    List<Value> inputs = new ArrayList<>();
    List<Value> outputs = new ArrayList<>();
    List<Long> attributes = new ArrayList<>();
    String op = "pointwise";
    if (u.product != null) {
      inputs.addAll(Prologues.factors(u.product, u));
      outputs.addAll(u.product.outputs.subList(1, u.product.outputs.size()));
      switch (u.product.op) {
        case MatMul(boolean ta, boolean tb) -> {
          op = "gemm";
          attributes.addAll(List.of(ta ? 1L : 0L, tb ? 1L : 0L));
        }
        case Composite.BatchNorm(float eps) -> {
          op = "batch_norm";
          attributes.add((long) Float.floatToRawIntBits(eps));
        }
        case ConvChain c -> {
          op = "conv2d_chain";
          attributes.addAll(c.words(u.product));
        }
        case Convolution c -> {
          op = c instanceof Convolution.Conv2d ? "conv2d" : "conv2d_data_grad";
          attributes.addAll(c.geometry().words());
          attributes.addAll(Prologues.words(u, 0));
          inputs.addAll(Prologues.operands(u, 0));
        }
        default -> throw new IllegalStateException("no epilogue after " + u.product);
      }
    }
    if (u.sum != null) {
      op = "reduce";
      int kind = p.domain().reduceKind(reduced);
      outputs.add(u.sum.output());
      attributes.addAll(
          List.of(
              (long) kind,
              (long) Float.floatToRawIntBits(((SumTo) u.sum.op).factor()),
              (long) p.result(),
              kind == 3 ? p.domain().channels(reduced) : 1L));
    }
    inputs.addAll(p.operands());
    outputs.addAll(p.stores());
    attributes.addAll(p.words());
    StringBuilder label = new StringBuilder(op).append(Prologues.label(u));
    points.stream()
        .filter(n -> n.op instanceof Elementwise)
        .forEach(n -> label.append(' ').append(n.op.label()));
    return new Kernel(
        op,
        label.toString(),
        inputs,
        outputs,
        Collections.nCopies(outputs.size(), null),
        List.of(),
        attributes.stream().mapToLong(Long::longValue).toArray(),
        false,
        u.nodes().stream().mapToLong(n -> n.op.flops(n)).sum());
  }
}
