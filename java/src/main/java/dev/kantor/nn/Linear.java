package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * y = x W^T + b.
 *
 * @param weight [out, in]
 * @param bias [out]
 */
public record Linear(Parameter weight, Parameter bias) implements Module {

  /** A layer whose parameters are named {@code name.weight} and {@code name.bias}. */
  public static Linear of(String name, long in, long out, Initialisation init) {
    return new Linear(
        new Parameter(Slot.f32(name + ".weight", out, in), init.weight(in), true),
        new Parameter(Slot.f32(name + ".bias", out), init.bias(in), false));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.linear(x, pass.trace().read(weight.slot()), pass.trace().read(bias.slot()));
  }
}
