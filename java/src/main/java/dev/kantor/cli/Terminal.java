package dev.kantor.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What stderr is. */
final class Terminal {
  private static final int STDERR = 2;
  private static final long GET_WINDOW_SIZE = 0x5413; // TIOCGWINSZ of Linux
  private static final int DEFAULT_WIDTH = 80;

  private Terminal() {}

  /** The columns of the terminal that stderr is, or 0 if it is none. */
  @SuppressWarnings("restricted") // ioctl as the C library declares it
  static int width() {
    Linker linker = Linker.nativeLinker();
    MemorySegment address = linker.defaultLookup().find("ioctl").orElse(MemorySegment.NULL);
    if (address.equals(MemorySegment.NULL)) {
      return 0;
    }
    MethodHandle ioctl =
        linker.downcallHandle(
            address,
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS),
            Linker.Option.firstVariadicArg(2));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment rowsAndColumns = arena.allocate(8, 2);
      int failed = (int) ioctl.invokeExact(STDERR, GET_WINDOW_SIZE, rowsAndColumns);
      int columns = rowsAndColumns.getAtIndex(ValueLayout.JAVA_SHORT, 1) & 0xFFFF;
      return failed != 0 ? 0 : columns == 0 ? DEFAULT_WIDTH : columns;
    } catch (Throwable t) {
      throw new IllegalStateException("ioctl cannot be called", t);
    }
  }
}
