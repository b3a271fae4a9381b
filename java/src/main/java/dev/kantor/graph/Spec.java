package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.Objects;

/** Element type and shape of a value. */
public record Spec(DType dtype, Shape shape) {
  public Spec {
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(shape, "shape");
  }

  static Spec f32(Shape shape) {
    return new Spec(DType.F32, shape);
  }

  /** Size in bytes. */
  public long bytes() {
    return shape.count() * dtype.bytes();
  }

  @Override
  public String toString() {
    return dtype.name().toLowerCase(java.util.Locale.ROOT) + shape;
  }
}
