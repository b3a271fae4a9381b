package dev.kantor.nn;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Shape;
import java.util.List;

/**
 * A layer whose weight is divided by its largest singular value, estimated by one step of power
 * iteration in each training pass (Miyato et al. 2018, algorithm 1). The singular vectors count as
 * constants in gradients.
 *
 * @param layer reads {@code weight}
 * @param weight [out, ...], taken as a matrix [out, rest]
 * @param left [out], the left singular vector so far
 */
public record SpectralNorm(Module layer, Parameter weight, Parameter left) implements Module {
  private static final double LEAST_NORM = 1e-12;

  /** A network in which each linear layer and convolution has its weight normalised. */
  public static Sequential around(Sequential network) {
    return new Sequential(network.modules().stream().map(SpectralNorm::around).toList());
  }

  private static Module around(Module layer) {
    return switch (layer) {
      case Linear l -> of(l, l.weight());
      case Conv2d c -> of(c, c.weight());
      default -> layer;
    };
  }

  private static SpectralNorm of(Module layer, Parameter weight) {
    Slot vector = Slot.f32(weight.slot().name() + "_u", weight.slot().shape().dim(0));
    return new SpectralNorm(
        layer, weight, new Parameter(vector, new Parameter.Initial.Normal(1), false));
  }

  @Override
  public List<Parameter> parameters() {
    return layer.parameters();
  }

  @Override
  public List<Parameter> buffers() {
    return List.of(left);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    Trace t = pass.trace();
    Value original = t.read(weight.slot());
    t.substitute(weight.slot(), pass.once(this, () -> normalised(pass, original)));
    Value y = layer.forward(pass, x);
    t.substitute(weight.slot(), original);
    return y;
  }

  private Value normalised(Pass pass, Value original) {
    long out = original.shape().dim(0);
    Value matrix = Ops.reshape(original, Shape.of(out, original.shape().count() / out));
    Value constant = Ops.detach(matrix);
    Value u = Ops.reshape(pass.trace().read(left.slot()), Shape.of(1, out));
    Value v = unit(Ops.matmul(u, constant));
    u = pass.training() ? unit(Ops.matmul(v, constant, false, true)) : unit(u);
    if (pass.training()) {
      pass.trace().write(left.slot(), Ops.reshape(u, Shape.of(out)));
    }
    Value sigma = Ops.sum(Ops.mul(u, Ops.matmul(v, matrix, false, true)));
    return Ops.mul(original, Ops.reciprocal(sigma));
  }

  private static Value unit(Value vector) {
    Value norm = Ops.atLeast(Ops.sqrt(Ops.sum(Ops.square(vector))), LEAST_NORM);
    return Ops.mul(vector, Ops.reciprocal(norm));
  }
}
