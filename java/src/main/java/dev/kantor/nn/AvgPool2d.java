package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Value;
import java.util.List;

/**
 * The average of each kernel x kernel window; the windows lie side by side, and what fills none at
 * the end counts for nothing.
 */
public record AvgPool2d(long kernel) implements Module {
  public AvgPool2d {
    if (kernel < 1) {
      throw new IllegalArgumentException("the windows' size must be positive: " + kernel);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.avgPool2d(x, kernel);
  }
}
