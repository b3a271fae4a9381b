package dev.kantor.nn;

import dev.kantor.graph.Layers;
import dev.kantor.graph.Value;
import java.util.List;

/** The largest of each kernel x kernel window, without padding. */
public record MaxPool2d(long kernel, long stride) implements Module {
  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    return Layers.maxPool2d(x, kernel, stride);
  }
}
