package dev.kantor.tensor;

import java.util.Arrays;

/** The extents of a row-major tensor, outermost first. A scalar has rank 0. */
public final class Shape {
  /** The largest rank that the native core takes. */
  public static final int MAX_RANK = 6;

  public static final Shape SCALAR = new Shape();

  private final long[] dims;

  private Shape(long... dims) {
    this.dims = dims;
  }

  /**
   * A shape of these extents.
   *
   * @throws IllegalArgumentException if an extent is not positive, the rank is above {@value
   *     #MAX_RANK}, or the number of elements does not fit a long
   */
  public static Shape of(long... dims) {
    if (dims.length > MAX_RANK) {
      throw new IllegalArgumentException(
          "rank " + dims.length + " is above the largest, " + MAX_RANK);
    }
    long count = 1;
    for (long d : dims) {
      if (d <= 0) {
        throw new IllegalArgumentException("extents must be positive: " + Arrays.toString(dims));
      }
      try {
        count = Math.multiplyExact(count, d);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("too many elements: " + Arrays.toString(dims), e);
      }
    }
    return dims.length == 0 && SCALAR != null ? SCALAR : new Shape(dims.clone());
  }

  public int rank() {
    return dims.length;
  }

  /** Extent of an axis; negative axes count from the last. */
  public long dim(int axis) {
    return dims[axis < 0 ? axis + dims.length : axis];
  }

  public long[] dims() {
    return dims.clone();
  }

  /** Number of elements; 1 for a scalar. */
  public long count() {
    long n = 1;
    for (long d : dims) {
      n *= d;
    }
    return n;
  }

  /** This shape with one extent replaced. */
  public Shape with(int axis, long extent) {
    long[] d = dims.clone();
    d[axis] = extent;
    return of(d);
  }

  /** Product of the extents of the axes in [from, to). */
  public long product(int from, int to) {
    long n = 1;
    for (int i = from; i < to; i++) {
      n *= dims[i];
    }
    return n;
  }

  /**
   * The shape that two operands broadcast to, aligned at the last axis (the rule of NumPy).
   *
   * @throws IllegalArgumentException if two extents differ and neither is 1
   */
  public static Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    long[] d = new long[rank];
    for (int i = 0; i < rank; i++) {
      long x = i < rank - a.rank() ? 1 : a.dims[i - rank + a.rank()];
      long y = i < rank - b.rank() ? 1 : b.dims[i - rank + b.rank()];
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException("shapes " + a + " and " + b + " do not broadcast");
      }
      d[i] = Math.max(x, y);
    }
    return of(d);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
