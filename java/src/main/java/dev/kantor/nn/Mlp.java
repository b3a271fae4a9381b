package dev.kantor.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * The multi-layer perceptrons of the family. Layers are numbered as the field's frameworks number a
 * sequence, activations included.
 */
public final class Mlp {
  private Mlp() {}

  /**
   * Linear layers of the given widths with {@code between} after each but the last.
   *
   * @param name prefix of the parameters: {@code name.0.weight}, {@code name.2.weight}, ...
   * @param widths input, hidden ..., output
   * @param between after each hidden layer
   * @param last after the output layer, or null
   * @param layerNorm whether a layer norm stands before each {@code between}
   */
  public static Sequential of(
      String name,
      List<Long> widths,
      Activation between,
      Activation last,
      boolean layerNorm,
      Initialisation init) {
    List<Module> modules = new ArrayList<>();
    for (int i = 1; i < widths.size(); i++) {
      modules.add(Linear.of(name + "." + modules.size(), widths.get(i - 1), widths.get(i), init));
      boolean hidden = i < widths.size() - 1;
      if (hidden && layerNorm) {
        modules.add(LayerNorm.of(name + "." + modules.size(), widths.get(i)));
      }
      if (hidden) {
        modules.add(between);
      } else if (last != null) {
        modules.add(last);
      }
    }
    return new Sequential(modules);
  }
}
