package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A typed value: while tracing, a place in the graph; outside a trace, a tensor that has been
 * computed.
 *
 * <p>The methods are {@link Ops} in infix form.
 */
public final class Value {
  final Node node;
  final int index;
  private final Spec spec;

  /** Contents, for a value computed outside a trace; null while tracing. */
  MemorySegment data;

  /** Outside a trace: whether the operations on this value are remembered for differentiation. */
  boolean tracked;

  Value(Node node, int index, Spec spec) {
    this.node = node;
    this.index = index;
    this.spec = spec;
  }

  public Shape shape() {
    return spec.shape();
  }

  public DType dtype() {
    return spec.dtype();
  }

  public Spec spec() {
    return spec;
  }

  /**
   * Asks that operations on this value be remembered, so that {@link Gradients#grad} can
   * differentiate with respect to it. Needed outside a trace only: a trace remembers everything.
   */
  public Value requireGradient() {
    tracked = true;
    return this;
  }

  /**
   * The contents as floats, row-major.
   *
   * @throws IllegalStateException while tracing, when there are no contents yet
   */
  public float[] toFloats() {
    if (data == null) {
      throw new IllegalStateException(
          "this value of shape "
              + shape()
              + " is part of a trace: it has no contents until the program runs. Write it to a slot"
              + " (Trace.write) and read the slot after the run, or compute it outside the trace.");
    }
    return data.toArray(ValueLayout.JAVA_FLOAT);
  }

  /**
   * The contents of a one-element value.
   *
   * @throws IllegalStateException while tracing, or if there is more than one element
   */
  public float item() {
    float[] v = toFloats();
    if (v.length != 1) {
      throw new IllegalStateException("item() needs one element, this value has shape " + shape());
    }
    return v[0];
  }

  public Value add(Value other) {
    return Ops.add(this, other);
  }

  public Value sub(Value other) {
    return Ops.sub(this, other);
  }

  public Value mul(Value other) {
    return Ops.mul(this, other);
  }

  public Value div(Value other) {
    return Ops.div(this, other);
  }

  public Value scale(double factor) {
    return Ops.scale(this, factor);
  }

  public Value shift(double amount) {
    return Ops.shift(this, amount);
  }

  public Value neg() {
    return Ops.neg(this);
  }

  public Value square() {
    return Ops.square(this);
  }

  public Value matmul(Value other) {
    return Ops.matmul(this, other);
  }

  public Value sum(int... axes) {
    return Ops.sum(this, axes);
  }

  public Value mean(int... axes) {
    return Ops.mean(this, axes);
  }

  public Value reshape(long... dims) {
    return Ops.reshape(this, Shape.of(dims));
  }

  @Override
  public String toString() {
    return spec.toString();
  }
}
