package dev.kantor.graph;

import dev.kantor.graph.Elementwise.Binary;
import dev.kantor.graph.Elementwise.BinaryKind;
import dev.kantor.graph.Structural.Broadcast;
import dev.kantor.graph.Structural.Reshape;
import dev.kantor.graph.Structural.SumTo;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Takes batch norm apart where that saves storing its result: the statistics are measured, and the
 * affine map becomes elementwise nodes that the convolutions after it make their operand with
 * ({@link Recompute}). Elsewhere the kernel that does both is faster.
 */
final class SplitNorms {
  private final Uses uses;
  private final Rewriter rewriter = new Rewriter();

  private SplitNorms(Graph graph) {
    uses = new Uses(graph);
  }

  /**
   * A graph without the sums of batch norm's gradients over a channel, which are zero: a bias
   * before batch norm changes nothing, and its gradient would be nothing but rounding.
   */
  static Graph dropZeroSums(Graph graph) {
    Rewriter rewriter = new Rewriter();
    for (Node n : graph.nodes) {
      if (!(n.op instanceof SumTo(Shape shape, float _))) {
        continue;
      }
      Value in = n.inputs.getFirst();
      if (in.node.op instanceof Composite.BatchNormGrad
          && in.index == 0
          && sumsWholeChannels(in.shape(), shape)) {
        rewriter.replace(
            n.output(), new Node(Elementwise.Fill.like(n.output(), 0), List.of()).output());
      }
    }
    return rewriter.isEmpty() ? graph : rewriter.apply(graph);
  }

  private static boolean sumsWholeChannels(Shape from, Shape to) {
    int first = from.rank() - to.rank();
    for (int i = 0; i < from.rank(); i++) {
      if (i != 1 && i >= first && to.dim(i - first) != 1 && from.dim(i) != 1) {
        return false;
      }
    }
    return true;
  }

  static Graph run(Graph graph) {
    SplitNorms pass = new SplitNorms(graph);
    for (Node n : graph.nodes) {
      if (n.op instanceof Composite.BatchNorm(float eps) && pass.pays(n)) {
        pass.split(n, eps);
      }
    }
    return pass.rewriter.isEmpty() ? graph : pass.rewriter.apply(graph);
  }

  /**
   * Whether a convolution takes the result, or what elementwise nodes make of it alone, and nobody
   * needs either in memory.
   */
  private boolean pays(Node norm) {
    Value y = norm.output();
    if (y.shape().rank() != 4 || y.shape().product(2, 4) < Recompute.LEAST_PLANE) {
      return false;
    }
    Set<Value> derived = new HashSet<>(Set.of(y));
    List<Value> open = new ArrayList<>(derived);
    boolean taken = false;
    while (!open.isEmpty()) {
      Value v = open.removeLast();
      for (Node user : uses.of(v)) {
        if (user != null && Recompute.makes(user, v)) {
          taken = true;
        } else if (user == null || !Recompute.isElementwiseOn(user, v)) {
          return false;
        } else if (user.inputs.stream().allMatch(in -> in == v || in.node.op instanceof Broadcast)
            && derived.add(user.output())) {
          open.add(user.output());
        }
      }
    }
    return taken;
  }

  private void split(Node norm, float eps) {
    Value x = norm.inputs.getFirst();
    List<Value> statistics = new Node(new BatchNormParts.Statistics(eps), norm.inputs).outputs;
    Value scaled = binary(BinaryKind.MUL, x, byChannel(statistics.get(3), x.shape()));
    rewriter.replace(
        norm.output(), binary(BinaryKind.ADD, scaled, byChannel(statistics.get(4), x.shape())));
    for (int i = 0; i < norm.outputs.size() - 1; i++) {
      rewriter.replace(norm.outputs.get(1 + i), statistics.get(i));
    }
  }

  private static Value binary(BinaryKind kind, Value a, Value b) {
    return new Node(new Binary(kind), List.of(a, b)).output();
  }

  private static Value byChannel(Value v, Shape shape) {
    Value column = new Node(new Reshape(Shape.of(v.shape().count(), 1, 1)), List.of(v)).output();
    return new Node(new Broadcast(shape), List.of(column)).output();
  }
}
