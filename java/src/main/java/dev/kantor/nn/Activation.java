package dev.kantor.nn;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import java.util.List;
import java.util.Locale;

/** Elementwise nonlinearities. */
public enum Activation implements Module {
  RELU,
  /** Slope 0.2, as the DCGAN paper has it (Radford, Metz, Chintala 2016). */
  LEAKY_RELU,
  TANH,
  SIGMOID,
  SOFTPLUS,
  SILU;

  /** Slope of the leaky ReLU below zero. */
  public static final double LEAKY_SLOPE = 0.2;

  /** Its name as a setting: {@code leaky-relu}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The activation of a name.
   *
   * @throws IllegalArgumentException naming the choices if there is none
   */
  public static Activation of(String label) {
    for (Activation a : values()) {
      if (a.label().equals(label)) {
        return a;
      }
    }
    throw new IllegalArgumentException(
        "activation "
            + label
            + "; expected one of "
            + List.of(values()).stream().map(Activation::label).toList());
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return switch (this) {
      case RELU -> Ops.relu(x);
      case LEAKY_RELU -> Ops.leakyRelu(x, LEAKY_SLOPE);
      case TANH -> Ops.tanh(x);
      case SIGMOID -> Ops.sigmoid(x);
      case SOFTPLUS -> Ops.softplus(x);
      case SILU -> Ops.silu(x);
    };
  }
}
