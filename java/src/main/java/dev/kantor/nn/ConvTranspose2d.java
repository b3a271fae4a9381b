package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * Transposed convolution ("deconvolution") with a bias for each output channel.
 *
 * @param weight [in, out, kernel, kernel], the framework's layout
 * @param bias [out]
 */
public record ConvTranspose2d(
    Parameter weight, Parameter bias, long stride, long padding, long outputPadding)
    implements Module {

  public static ConvTranspose2d of(
      String name,
      long in,
      long out,
      long kernel,
      long stride,
      long padding,
      long outputPadding,
      Initialisation init) {
    // The framework counts the fan-in of a transposed convolution over its output channels.
    long fanIn = out * kernel * kernel;
    return new ConvTranspose2d(
        new Parameter(
            Slot.f32(name + ".weight", in, out, kernel, kernel), init.weight(fanIn), true),
        new Parameter(Slot.f32(name + ".bias", out), init.bias(fanIn), false),
        stride,
        padding,
        outputPadding);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public Value forward(Pass pass, Value x) {
    Value y =
        Layers.convTranspose2d(
            x, pass.trace().read(weight.slot()), stride, padding, outputPadding, 1);
    return Ops.add(y, Conv2d.perChannel(pass.trace().read(bias.slot())));
  }
}
