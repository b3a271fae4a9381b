package dev.kantor.nn;

import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import java.util.List;

/** A part of a network: parameters, and a forward pass that can be written into a trace any number of times. */
public interface Module {
  /** Its parameters, in the order of its layers. */
  List<Parameter> parameters();

  /**
   * Writes the forward pass.
   *
   * @param x [rows, features]
   */
  Value forward(Trace trace, Value x);
}
