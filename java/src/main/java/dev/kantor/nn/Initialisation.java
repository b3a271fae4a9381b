package dev.kantor.nn;

import dev.kantor.nn.Parameter.Initial;

/** How the weights and biases of linear and convolution layers start. */
public enum Initialisation {
  /** Uniform in 1/sqrt(fan-in), weights and biases: the default of PyTorch's layers. */
  FRAMEWORK("framework"),
  /** Normal, deviation 0.02, biases 0 (Radford, Metz, Chintala 2016, section 4). */
  NORMAL_002("normal-0.02");

  private final String label;

  Initialisation(String label) {
    this.label = label;
  }

  /** Its name as a setting. */
  public String label() {
    return label;
  }

  /**
   * The initialisation of a name.
   *
   * @throws IllegalArgumentException naming the choices if there is none
   */
  public static Initialisation of(String label) {
    for (Initialisation i : values()) {
      if (i.label.equals(label)) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        "initialisation " + label + "; expected framework or normal-0.02");
  }

  Initial weight(long fanIn) {
    return this == FRAMEWORK ? new Initial.Uniform(1 / Math.sqrt(fanIn)) : new Initial.Normal(0.02);
  }

  Initial bias(long fanIn) {
    return this == FRAMEWORK ? new Initial.Uniform(1 / Math.sqrt(fanIn)) : new Initial.Constant(0);
  }
}
