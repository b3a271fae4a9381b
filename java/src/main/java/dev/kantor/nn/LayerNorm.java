package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * Layer norm over the features (Ba, Kiros, Hinton 2016).
 *
 * @param gamma [features]
 * @param beta [features]
 */
public record LayerNorm(Parameter gamma, Parameter beta) implements Module {
  /** As in the framework's layer. */
  public static final double EPSILON = 1e-5;

  public static LayerNorm of(String name, long features) {
    return new LayerNorm(
        new Parameter(
            Slot.f32(name + ".weight", features), new Parameter.Initial.Constant(1), false),
        new Parameter(
            Slot.f32(name + ".bias", features), new Parameter.Initial.Constant(0), false));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(gamma, beta);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.layerNorm(
        x, pass.trace().read(gamma.slot()), pass.trace().read(beta.slot()), EPSILON);
  }
}
