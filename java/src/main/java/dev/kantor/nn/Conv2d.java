package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Shape;
import java.util.List;

/**
 * Convolution with a bias for each output channel.
 *
 * @param weight [out, in, kernel, kernel]
 * @param bias [out]
 */
public record Conv2d(Parameter weight, Parameter bias, long stride, long padding)
    implements Module {

  public static Conv2d of(
      String name, long in, long out, long kernel, long stride, long padding, Initialisation init) {
    long fanIn = in * kernel * kernel;
    return new Conv2d(
        new Parameter(
            Slot.f32(name + ".weight", out, in, kernel, kernel), init.weight(fanIn), true),
        new Parameter(Slot.f32(name + ".bias", out), init.bias(fanIn), false),
        stride,
        padding);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    Value y = Layers.conv2d(x, pass.trace().read(weight.slot()), stride, padding, 1);
    return Ops.add(y, perChannel(pass.trace().read(bias.slot())));
  }

  /** [C] as [C, 1, 1], which broadcasts over planes. */
  static Value perChannel(Value v) {
    return Ops.reshape(v, Shape.of(v.shape().count(), 1, 1));
  }
}
