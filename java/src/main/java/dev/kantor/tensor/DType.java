package dev.kantor.tensor;

/** Element types, with the codes of the native program format. */
public enum DType {
  F32(4),
  F64(8),
  U8(1),
  I32(4),
  I64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** The code of this type in {@code runtime/op.h}. */
  public int code() {
    return ordinal();
  }

  /** Whether values of this type can be differentiated. */
  public boolean isFloating() {
    return this == F32 || this == F64;
  }
}
