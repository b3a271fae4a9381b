package dev.kantor.graph;

import dev.kantor.tensor.Shape;

/** What networks are trained to make small. */
public final class Losses {
  private Losses() {}

  /** log(sum over columns of exp(x)) of [rows, columns], as [rows, 1]. */
  public static Value logSumExp(Value x) {
    return Ops.apply(new Composite.LogSumExp(), x);
  }

  /**
   * Softmax cross-entropy, mean over rows: log sum exp(logits) - logits[label].
   *
   * @param logits [rows, classes]
   * @param target [rows, classes], each row a distribution, one-hot for a label
   */
  public static Value crossEntropy(Value logits, Value target) {
    Value likelihood = Ops.sumTo(Ops.mul(logits, target), Shape.of(logits.shape().dim(0), 1));
    return Ops.mean(Ops.sub(logSumExp(logits), likelihood));
  }

  /**
   * weight * mean_i (||g_i|| - center)^2 over the rows of g: the gradient penalty (Gulrajani et al.
   * 2017). One-sided: only norms above center cost. At a zero row the subgradient is 0.
   *
   * @param g [rows, columns], usually a gradient made with createGraph
   * @return the penalty, a scalar, and the rows' norms [rows]
   */
  public static Penalty rowPenalty(Value g, double weight, double center, boolean oneSided) {
    Node n = Ops.node(new Composite.RowPenalty((float) weight, (float) center, oneSided), g);
    return new Penalty(n.outputs.get(0), n.outputs.get(2));
  }

  /** A penalty's value (scalar) and the norms [rows] it was made from. */
  public record Penalty(Value value, Value norms) {}

  /**
   * Binary cross-entropy of logits against one target for all, mean over elements: softplus(x) -
   * target * x.
   *
   * @param target in [0, 1]
   */
  public static Value bceWithLogits(Value logits, double target) {
    Value loss = Ops.softplus(target == 1 ? Ops.neg(logits) : logits);
    return Ops.mean(target == 0 || target == 1 ? loss : Ops.sub(loss, Ops.scale(logits, target)));
  }

  /**
   * Binary cross-entropy of probabilities against one target for all, mean over elements;
   * logarithms are kept at or above -100, as the field's frameworks do.
   */
  public static Value bce(Value probabilities, double target) {
    Value yes = Ops.scale(Ops.atLeast(Ops.log(probabilities), -100), -target);
    Value no =
        Ops.scale(Ops.atLeast(Ops.log(Ops.shift(Ops.neg(probabilities), 1)), -100), target - 1);
    return Ops.mean(Ops.add(yes, no));
  }

  /**
   * KL divergence of diagonal Gaussians N(mean, exp(logScale)^2) from N(0, I), summed over columns
   * and averaged over rows: -1/2 sum(1 + 2 logScale - mean^2 - e^(2 logScale)) (Kingma, Welling
   * 2014, appendix B).
   *
   * @param mean [rows, columns]
   * @param logScale [rows, columns], log of the standard deviation
   */
  public static Value gaussianDivergence(Value mean, Value logScale) {
    Value moments = Ops.add(Ops.square(mean), Ops.exp(Ops.scale(logScale, 2)));
    Value terms = Ops.sub(moments, Ops.shift(Ops.scale(logScale, 2), 1));
    return Ops.scale(Ops.sum(terms), 0.5 / mean.shape().dim(0));
  }
}
