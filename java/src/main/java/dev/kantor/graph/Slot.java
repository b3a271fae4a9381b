package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.Objects;

/**
 * A named place on the device that outlives a program's run: a parameter, a moment, a counter, an
 * input, a ring of metrics.
 *
 * @param name unique within a {@link State}; dots separate levels, as in {@code critic.0.weight}
 */
public record Slot(String name, DType dtype, Shape shape) {
  public Slot {
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(shape, "shape");
    if (name.isBlank()) {
      throw new IllegalArgumentException("a slot needs a name");
    }
  }

  /** A float32 slot. */
  public static Slot f32(String name, long... dims) {
    return new Slot(name, DType.F32, Shape.of(dims));
  }

  /** An int64 slot of one element. */
  public static Slot counter(String name) {
    return new Slot(name, DType.I64, Shape.of(1));
  }

  Spec spec() {
    return new Spec(dtype, shape);
  }
}
