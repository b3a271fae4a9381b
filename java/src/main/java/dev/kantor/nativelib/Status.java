package dev.kantor.nativelib;

/** What a native function says of its outcome: {@code kt_status} of kantor.h. */
public enum Status {
  OK(Kantor.KT_OK),
  /** A null or closed handle, a malformed program, shapes that do not fit. */
  INVALID_ARGUMENT(Kantor.KT_INVALID_ARGUMENT),
  OUT_OF_MEMORY(Kantor.KT_OUT_OF_MEMORY),
  /** A non-finite value met the fault guard; the state is that of the last good update. */
  FAULT(Kantor.KT_FAULT),
  /** The program was cancelled; the state is that after a whole iteration. */
  CANCELLED(Kantor.KT_CANCELLED),
  /** This build or machine has no such device, operation or library. */
  UNSUPPORTED(Kantor.KT_UNSUPPORTED),
  INTERNAL(Kantor.KT_INTERNAL),
  /** A GPU gave up: what was on it cannot be read, and this process cannot use it again. */
  DEVICE_LOST(Kantor.KT_DEVICE_LOST);

  private static final Status[] BY_CODE = values();

  private final int code;

  Status(int code) {
    this.code = code;
  }

  static Status of(int code) {
    for (Status status : BY_CODE) {
      if (status.code == code) {
        return status;
      }
    }
    return INTERNAL;
  }
}
