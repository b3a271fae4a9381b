package dev.kantor.io;

/**
 * How the elements of a stored array are encoded. All are little-endian, as the machines Kantor
 * runs on hold them in memory.
 */
public enum ElementType {
  F32(4, "<f4"),
  F64(8, "<f8"),
  U8(1, "|u1"),
  I32(4, "<i4"),
  I64(8, "<i8");

  private final int bytes;
  private final String npy;

  ElementType(int bytes, String npy) {
    this.bytes = bytes;
    this.npy = npy;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** NumPy's name of this type, as in {@code numpy.dtype(..).str}. */
  String npy() {
    return npy;
  }

  /**
   * Bytes of an array of this shape; the empty shape is a scalar.
   *
   * @throws IllegalArgumentException if a dimension is negative
   * @throws ArithmeticException if the product does not fit in 63 bits
   */
  public long bytes(long... shape) {
    long elements = 1;
    boolean empty = false;
    for (long dim : shape) {
      if (dim < 0) {
        throw new IllegalArgumentException("a dimension is negative: " + dim);
      }
      if (dim == 0) {
        empty = true;
      } else {
        elements = Math.multiplyExact(elements, dim);
      }
    }
    long size = Math.multiplyExact(elements, (long) bytes);
    return empty ? 0 : size;
  }
}
