package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * Instance norm over [N, C, H, W]: each plane by its own mean and variance, in every pass (Ulyanov,
 * Vedaldi, Lempitsky 2016). It keeps no running statistics.
 *
 * @param gamma [C]
 * @param beta [C]
 */
public record InstanceNorm2d(Parameter gamma, Parameter beta) implements Module {
  /** As in the framework's layer. */
  public static final double EPSILON = 1e-5;

  public static InstanceNorm2d of(String name, long channels) {
    return new InstanceNorm2d(
        new Parameter(
            Slot.f32(name + ".weight", channels), new Parameter.Initial.Constant(1), false),
        new Parameter(
            Slot.f32(name + ".bias", channels), new Parameter.Initial.Constant(0), false));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(gamma, beta);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.instanceNorm(
        x, pass.trace().read(gamma.slot()), pass.trace().read(beta.slot()), EPSILON);
  }
}
