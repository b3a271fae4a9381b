package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * Drops elements at random in training passes, each pass others; evaluation passes drop none. The
 * numbers come from the trace's clock for layers, so they depend on the seed and the iteration
 * alone.
 *
 * @param rate the share that is dropped, in [0, 1)
 */
public record Dropout(double rate) implements Module {
  public Dropout {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("the rate of dropout must be in [0, 1): " + rate);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return pass.training() && rate > 0
        ? Layers.dropout(x, pass.trace().uniform(x.shape().dims()), rate)
        : x;
  }
}
