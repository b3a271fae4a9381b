package dev.kantor.graph;

import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.graph.Structural.Concat;
import dev.kantor.graph.Structural.MatMul;
import dev.kantor.graph.Structural.Slice;
import dev.kantor.graph.Structural.SumTo;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Merges passes through one network that are independent by row into one pass over more rows: the
 * critic over real, fake and interpolated samples, its backward pass, the generator over the noise
 * of several steps.
 *
 * <ol>
 *   <li>Products of several matrices with one right operand become one product of their rows,
 *       concatenated.
 *   <li>Elementwise ops that do the same to consecutive row ranges of the same values become one.
 *   <li>Sums of products, and of column sums, over consecutive row ranges become one over the joint
 *       range.
 *   <li>Where images are merged: convolutions with one weight become one of all their images, and
 *       so do pools of consecutive images, and gradients of a weight over them.
 * </ol>
 *
 * <p>The rules repeat until none applies. Every element is computed as before; only sums over rows
 * (rules 3 and 4) change their order.
 *
 * <p>A GPU gains by merged images: fewer and larger launches fill it. A CPU does not: it is full
 * with those of one pass, and what lies between two layers stays in its caches.
 */
final class MergeRows {
  private static final int MOST_STEPS_BACK = 6;

  private MergeRows() {}

  static Graph run(Graph graph, boolean images) {
    Graph g = graph;
    for (int round = 0; round < 1000; round++) {
      Rewriter rewriter = new Rewriter();
      if (!(sinkSlices(g, rewriter)
          || joinSums(g, rewriter, images)
          || images && MergeImages.join(g, rewriter)
          || joinProducts(g, rewriter))) {
        return g;
      }
      g = Simplify.run(rewriter.apply(g));
    }
    throw new IllegalStateException("merging of rows did not come to an end");
  }

  /** A range of rows of a value; the whole value counts as the range of all its rows. */
  record Rows(Value source, long start, long length) {
    static Rows of(Value v) {
      return v.node.op instanceof Slice(int axis, long start, long length) && axis == 0
          ? new Rows(v.node.inputs.getFirst(), start, length)
          : new Rows(v, 0, v.shape().dim(0));
    }

    boolean isSlice() {
      return length != source.shape().dim(0);
    }

    long end() {
      return start + length;
    }
  }

  static boolean consecutive(List<Rows> rows) {
    for (int i = 1; i < rows.size(); i++) {
      if (rows.get(i).source != rows.get(0).source || rows.get(i).start != rows.get(i - 1).end()) {
        return false;
      }
    }
    return true;
  }

  /** The consecutive ranges as one value: their source, or a slice of it. */
  static Value join(List<Rows> rows) {
    Value source = rows.getFirst().source;
    long start = rows.getFirst().start;
    long length = rows.getLast().end() - start;
    return length == source.shape().dim(0)
        ? source
        : new Node(new Slice(0, start, length), List.of(source)).output();
  }

  // Rule 1.
  private static boolean joinProducts(Graph g, Rewriter rewriter) {
    record Key(Value right, boolean transposed) {}
    Map<Key, List<Node>> candidates = new LinkedHashMap<>();
    for (Node n : g.nodes) {
      if (n.op instanceof MatMul(boolean ta, boolean tb) && !ta) {
        candidates.computeIfAbsent(new Key(n.inputs.get(1), tb), k -> new ArrayList<>()).add(n);
      }
    }
    Ancestry ancestry = new Ancestry(g);
    for (List<Node> nodes : candidates.values()) {
      List<Node> members = new ArrayList<>();
      for (Node n : nodes) {
        if (members.stream().noneMatch(m -> ancestry.leadsTo(m, n) || ancestry.leadsTo(n, m))) {
          members.add(n);
        }
      }
      if (members.size() < 2) {
        continue;
      }
      members.sort(Comparator.comparingLong(n -> firstRow(n.inputs.getFirst(), 0)));
      List<Value> lefts = members.stream().map(n -> n.inputs.getFirst()).toList();
      List<Rows> rows = lefts.stream().map(Rows::of).toList();
      Value left = consecutive(rows) ? join(rows) : new Node(new Concat(0), lefts).output();
      Value product =
          new Node(members.getFirst().op, List.of(left, members.getFirst().inputs.get(1))).output();
      long at = 0;
      for (Node n : members) {
        long length = n.output().shape().dim(0);
        rewriter.replace(n.output(), new Node(new Slice(0, at, length), List.of(product)).output());
        at += length;
      }
      return true; // one merge a round: the next may depend on this one
    }
    return false;
  }

  /**
   * The row of a merged value that an operand stems from, through elementwise ops. Merging in this
   * order puts gradients in the order of the values they belong to, so that rule 3 finds both side
   * by side.
   */
  static long firstRow(Value v, int depth) {
    Rows rows = Rows.of(v);
    if (rows.isSlice() || !(v.node.op instanceof Elementwise) || depth == MOST_STEPS_BACK) {
      return rows.start;
    }
    return v.node.inputs.stream()
        .mapToLong(in -> in.shape().rank() == 0 ? 0 : firstRow(in, depth + 1))
        .max()
        .orElse(0);
  }

  // Rule 2.
  private static boolean sinkSlices(Graph g, Rewriter rewriter) {
    Map<List<Object>, List<Node>> candidates = new LinkedHashMap<>();
    for (Node n : g.nodes) {
      if (n.op instanceof Elementwise && n.output().shape().rank() > 0) {
        List<Object> key = rowKey(n);
        if (key != null) {
          candidates.computeIfAbsent(key, k -> new ArrayList<>()).add(n);
        }
      }
    }
    boolean changed = false;
    for (List<Node> nodes : candidates.values()) {
      if (nodes.size() < 2
          || nodes.stream().anyMatch(n -> n.inputs.stream().anyMatch(rewriter::replaces))) {
        continue;
      }
      List<Node> members = new ArrayList<>(nodes);
      members.sort(Comparator.comparingLong(MergeRows::firstRow));
      boolean gapless = true;
      for (int i = 1; i < members.size(); i++) {
        gapless &=
            firstRow(members.get(i))
                == firstRow(members.get(i - 1)) + members.get(i - 1).output().shape().dim(0);
      }
      if (!gapless) {
        continue;
      }
      long total = members.stream().mapToLong(n -> n.output().shape().dim(0)).sum();
      List<Value> inputs = new ArrayList<>();
      for (int k = 0; k < members.getFirst().inputs.size(); k++) {
        int input = k;
        Value v = members.getFirst().inputs.get(k);
        if (v.node.op instanceof Broadcast(Shape shape)) {
          inputs.add(new Node(new Broadcast(shape.with(0, total)), v.node.inputs).output());
        } else {
          inputs.add(join(members.stream().map(n -> Rows.of(n.inputs.get(input))).toList()));
        }
      }
      Value joint = new Node(members.getFirst().op, inputs).output();
      long at = 0;
      for (Node n : members) {
        long length = n.output().shape().dim(0);
        rewriter.replace(n.output(), new Node(new Slice(0, at, length), List.of(joint)).output());
        at += length;
      }
      changed = true;
    }
    return changed;
  }

  /**
   * What nodes that do the same to other rows have in common; null if this one does not take slices
   * of rows.
   */
  private static List<Object> rowKey(Node n) {
    List<Object> key = new ArrayList<>(List.of(n.op));
    Rows first = null;
    for (Value v : n.inputs) {
      if (v.node.op instanceof Broadcast(Shape shape)) {
        Shape source = v.node.inputs.getFirst().shape();
        if (source.rank() == shape.rank() && source.dim(0) != 1) {
          return null;
        }
        key.add(v.node.inputs.getFirst());
        key.add(shape.rank());
        continue;
      }
      Rows rows = Rows.of(v);
      if (!rows.isSlice()
          || (first != null && (rows.start != first.start || rows.length != first.length))) {
        return null;
      }
      first = rows;
      key.add(rows.source);
    }
    return first == null ? null : key;
  }

  private static long firstRow(Node n) {
    for (Value v : n.inputs) {
      if (!(v.node.op instanceof Broadcast)) {
        return Rows.of(v).start;
      }
    }
    throw new IllegalStateException("no row operand");
  }

  // Rule 3.
  private static boolean joinSums(Graph g, Rewriter rewriter, boolean images) {
    Set<Value> inner = new HashSet<>();
    Uses uses = new Uses(g);
    Sums sums = null;
    for (Node n : g.nodes.reversed()) {
      if (!isAdd(n) || inner.contains(n.output())) {
        continue;
      }
      List<Value> terms = new ArrayList<>();
      collect(n.output(), uses, inner, terms, true);
      sums = sums == null ? new Sums(g, images) : sums;
      for (int i = 0; i < terms.size(); i++) {
        for (int j = 0; j < terms.size(); j++) {
          Value joint = i == j ? null : sums.join(terms.get(i), terms.get(j));
          if (joint == null) {
            continue;
          }
          terms.set(i, joint);
          terms.remove(j);
          Value sum = terms.getFirst();
          for (Value t : terms.subList(1, terms.size())) {
            sum = new Node(n.op, List.of(sum, t)).output();
          }
          rewriter.replace(n.output(), sum);
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isAdd(Node n) {
    return n.op instanceof Elementwise.Binary(Elementwise.BinaryKind kind)
        && kind == Elementwise.BinaryKind.ADD;
  }

  private static void collect(
      Value v, Uses uses, Set<Value> inner, List<Value> terms, boolean root) {
    if (isAdd(v.node) && (root || uses.of(v).size() == 1)) {
      inner.add(v);
      v.node.inputs.forEach(in -> collect(in, uses, inner, terms, false));
    } else {
      terms.add(v);
    }
  }

  /**
   * Joins terms of a sum whose operands stand one after the other in a value, or in a concatenation
   * they are part of.
   */
  private static final class Sums {
    private final Map<Value, List<Rows>> concatenated = new HashMap<>();
    private final Ancestry ancestry;
    private final boolean images;

    Sums(Graph g, boolean images) {
      this.images = images;
      ancestry = new Ancestry(g);
      for (Node n : g.nodes) {
        if (n.op instanceof Concat(int axis) && axis == 0) {
          long at = 0;
          for (Value part : n.inputs) {
            long rows = part.shape().dim(0);
            concatenated
                .computeIfAbsent(part, k -> new ArrayList<>())
                .add(new Rows(n.output(), at, rows));
            at += rows;
          }
        }
      }
    }

    /** first + second as one op over the joint rows, or null. */
    Value join(Value first, Value second) {
      Op op = first.node.op;
      if (!op.equals(second.node.op)) {
        return null;
      }
      boolean product =
          op instanceof MatMul(boolean ta, boolean tb) && ta && !tb
              || images && op instanceof Convolution.WeightGrad;
      boolean columnSum =
          op instanceof SumTo(Shape target, float _)
              && sumsRows(first.node, target)
              && sumsRows(second.node, target);
      if (!product && !columnSum) {
        return null;
      }
      List<Value> inputs = new ArrayList<>();
      for (int k = 0; k < first.node.inputs.size(); k++) {
        Value joint = consecutiveIn(first.node, second.node, k);
        if (joint == null) {
          return null;
        }
        inputs.add(joint);
      }
      return new Node(op, inputs).output();
    }

    private Value consecutiveIn(Node first, Node second, int k) {
      for (Rows a : places(first.inputs.get(k))) {
        for (Rows b : places(second.inputs.get(k))) {
          boolean early =
              !ancestry.leadsTo(first, a.source.node) && !ancestry.leadsTo(second, a.source.node);
          if (early && consecutive(List.of(a, b))) {
            return MergeRows.join(List.of(a, b));
          }
        }
      }
      return null;
    }

    /** Where the value's rows can be found. */
    private List<Rows> places(Value v) {
      Rows rows = Rows.of(v);
      List<Rows> places = new ArrayList<>(List.of(rows));
      for (Rows whole : concatenated.getOrDefault(rows.source, List.of())) {
        places.add(new Rows(whole.source, whole.start + rows.start, rows.length));
      }
      if (rows.source != v) {
        places.addAll(concatenated.getOrDefault(v, List.of()));
      }
      return places;
    }
  }

  private static boolean sumsRows(Node n, Shape target) {
    Shape in = n.inputs.getFirst().shape();
    return in.rank() > 0 && (target.rank() < in.rank() || target.dim(0) == 1);
  }
}
