package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Shape;
import java.util.List;

/**
 * Batch norm over [N, C, H, W] or [N, C] (Ioffe, Szegedy 2015). Training passes move the running
 * statistics by {@link #MOMENTUM} towards the batch's, the variance with the unbiased divisor, as
 * the framework does; evaluation passes use them.
 *
 * @param gamma [C]
 * @param beta [C]
 * @param mean running mean [C]
 * @param variance running variance [C]
 */
public record BatchNorm(Parameter gamma, Parameter beta, Parameter mean, Parameter variance)
    implements Module {
  public static final double EPSILON = 1e-5;
  public static final double MOMENTUM = 0.1;

  public static BatchNorm of(String name, long channels) {
    return new BatchNorm(
        new Parameter(
            Slot.f32(name + ".weight", channels), new Parameter.Initial.Constant(1), false),
        new Parameter(Slot.f32(name + ".bias", channels), new Parameter.Initial.Constant(0), false),
        new Parameter(
            Slot.f32(name + ".running_mean", channels), new Parameter.Initial.Constant(0), false),
        new Parameter(
            Slot.f32(name + ".running_var", channels), new Parameter.Initial.Constant(1), false));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(gamma, beta);
  }

  @Override
  public List<Parameter> buffers() {
    return List.of(mean, variance);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    Value g = pass.trace().read(gamma.slot());
    Value b = pass.trace().read(beta.slot());
    Value oldMean = pass.trace().read(mean.slot());
    Value oldVariance = pass.trace().read(variance.slot());
    if (!pass.training()) {
      Shape channel = x.shape().rank() == 4 ? Shape.of(g.shape().count(), 1, 1) : g.shape();
      Value scale = Ops.mul(g, Ops.reciprocal(Ops.sqrt(Ops.shift(oldVariance, EPSILON))));
      Value shift = Ops.sub(b, Ops.mul(oldMean, scale));
      return Ops.add(Ops.mul(x, Ops.reshape(scale, channel)), Ops.reshape(shift, channel));
    }
    long count = x.shape().count() / g.shape().count();
    if (count < 2) {
      throw new IllegalArgumentException(
          "batch norm in training needs more than one value a channel; x is " + x.spec());
    }
    Layers.BatchStatistics n = Layers.batchNorm(x, g, b, EPSILON);
    double unbiased = (double) count / (count - 1);
    pass.trace()
        .write(
            mean.slot(), Ops.add(Ops.scale(oldMean, 1 - MOMENTUM), Ops.scale(n.mean(), MOMENTUM)));
    pass.trace()
        .write(
            variance.slot(),
            Ops.add(
                Ops.scale(oldVariance, 1 - MOMENTUM),
                Ops.scale(n.variance(), MOMENTUM * unbiased)));
    return n.y();
  }
}
