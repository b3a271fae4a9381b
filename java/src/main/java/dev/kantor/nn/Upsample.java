package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Value;
import java.util.List;

/** Planes {@code factor} times as high and as wide, each element repeated. */
public record Upsample(long factor) implements Module {
  public Upsample {
    if (factor < 1) {
      throw new IllegalArgumentException("the factor must be positive: " + factor);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.upsampleNearest2d(x, factor);
  }
}
