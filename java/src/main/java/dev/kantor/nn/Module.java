package dev.kantor.nn;

import dev.kantor.graph.Value;
import java.util.List;

/**
 * A part of a network: parameters, and a forward pass that can be written into a trace any number
 * of times.
 */
public interface Module {
  /** Its parameters, in the order of its layers. */
  List<Parameter> parameters();

  /** Tensors that forward passes update and no gradient trains, running statistics for one. */
  default List<Parameter> buffers() {
    return List.of();
  }

  /**
   * Writes a forward pass.
   *
   * @param x [rows, features], or [rows, channels, height, width] where the module takes planes
   */
  Value forward(Pass pass, Value x);
}
