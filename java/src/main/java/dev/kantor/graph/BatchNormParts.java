package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.Collections;
import java.util.List;

/** What batch norm is made of where it is no kernel of its own ({@link SplitNorms}). */
interface BatchNormParts {

  /**
   * Mean, 1 / standard deviation and biased variance of each channel of x [N, C, H, W] or [N, C],
   * and scale and shift that make batch norm's result of x, given gamma and beta; all [C]
   * (batch_stats.h).
   */
  record Statistics(float eps) implements Composite {
    @Override
    public String label() {
      return "batch_stats";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return Collections.nCopies(5, Composite.perChannel(label(), in));
    }

    @Override
    public List<Value> decompose(Node node) {
      Composite.Normalised n = Composite.Normalised.byChannel(node.inputs.getFirst(), eps);
      Shape flat = node.output().shape();
      Value mean = Ops.reshape(n.mean(), flat);
      Value rstd = Ops.reshape(n.rstd(), flat);
      Value scale = Ops.mul(node.inputs.get(1), rstd);
      Value shift = Ops.sub(node.inputs.get(2), Ops.mul(mean, scale));
      return List.of(mean, rstd, Ops.reshape(n.variance(), flat), scale, shift);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Composite.gradientOfDecomposition(this, node, g);
    }

    @Override
    public long flops(Node node) {
      return 4 * node.inputs.getFirst().shape().count();
    }
  }
}
