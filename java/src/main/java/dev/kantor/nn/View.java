package dev.kantor.nn;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import dev.kantor.tensor.Shape;
import java.util.List;

/** Each row's elements under another shape, in the same order. */
public record View(Shape row) implements Module {
  public static View of(long... dims) {
    return new View(Shape.of(dims));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    long[] dims = new long[row.rank() + 1];
    dims[0] = x.shape().dim(0);
    System.arraycopy(row.dims(), 0, dims, 1, row.rank());
    return Ops.reshape(x, Shape.of(dims));
  }
}
