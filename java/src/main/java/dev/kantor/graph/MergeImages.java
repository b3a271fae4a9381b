package dev.kantor.graph;

import dev.kantor.graph.MergeRows.Rows;
import dev.kantor.graph.Structural.Concat;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.graph.Structural.Slice;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rule of {@link MergeRows} for ops that do the same to each image: convolutions with one
 * weight, whose images are concatenated where they are not consecutive rows of a value already, and
 * pools and changes of shape of consecutive rows.
 */
final class MergeImages {
  private MergeImages() {}

  /** Merges one group, if there is one. */
  static boolean join(Graph g, Rewriter rewriter) {
    Map<List<Object>, List<Node>> candidates = new LinkedHashMap<>();
    for (Node n : g.nodes) {
      List<Object> key = key(n);
      if (key != null) {
        candidates.computeIfAbsent(key, k -> new ArrayList<>()).add(n);
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
      members.sort(Comparator.comparingLong(n -> MergeRows.firstRow(n.inputs.getFirst(), 0)));
      if (members.size() > 1 && join(members, rewriter)) {
        return true; // one merge a round: the next may depend on this one
      }
    }
    return false;
  }

  /** What nodes have in common that do the same to other images; null for other ops. */
  private static List<Object> key(Node n) {
    return switch (n.op) {
      case Convolution.OfPlanes c -> List.of(c, n.inputs.get(1), image(n.inputs.getFirst()));
      case Convolution.MaxPool _, Convolution.PoolScatter _, Convolution.PoolGather _ ->
          List.of(n.op, image(n.inputs.getFirst()));
      case Reshape _ when keepsRows(n) ->
          List.of("reshape", image(n.inputs.getFirst()), image(n.output()));
      default -> null;
    };
  }

  private static Shape image(Value v) {
    return v.shape().with(0, 1);
  }

  private static boolean keepsRows(Node n) {
    Shape from = n.inputs.getFirst().shape();
    Shape to = n.output().shape();
    return from.rank() > 0 && to.rank() > 0 && from.dim(0) == to.dim(0) && from.dim(0) > 1;
  }

  /** Whether moving what a convolution takes costs less than what it makes does anyway. */
  private static boolean isSmall(Node convolution) {
    return convolution.inputs.getFirst().shape().count() <= convolution.output().shape().count();
  }

  private static boolean join(List<Node> members, Rewriter rewriter) {
    Node first = members.getFirst();
    boolean convolution = first.op instanceof Convolution.OfPlanes;
    List<Value> inputs = new ArrayList<>();
    for (int k = 0; k < first.inputs.size(); k++) {
      int input = k;
      List<Value> parts = members.stream().map(n -> n.inputs.get(input)).toList();
      List<Rows> rows = parts.stream().map(Rows::of).toList();
      boolean sideBySide = MergeRows.consecutive(rows);
      if (convolution && k == 1) {
        inputs.add(first.inputs.get(k));
      } else if (sideBySide) {
        inputs.add(MergeRows.join(rows));
      } else if (convolution && isSmall(first)) {
        inputs.add(new Node(new Concat(0), parts).output());
      } else {
        return false;
      }
    }
    long total = inputs.getFirst().shape().dim(0);
    Op op =
        first.op instanceof Reshape ? new Reshape(first.output().shape().with(0, total)) : first.op;
    Node joint = new Node(op, inputs);
    long at = 0;
    for (Node n : members) {
      long length = n.output().shape().dim(0);
      for (Value v : n.outputs) {
        Value own = joint.outputs.get(v.index);
        rewriter.replace(v, new Node(new Slice(0, at, length), List.of(own)).output());
      }
      at += length;
    }
    return true;
  }
}
