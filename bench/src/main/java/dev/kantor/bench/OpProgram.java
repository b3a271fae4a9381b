package dev.kantor.bench;

import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** A case's program on a device of its own, its inputs drawn at random. */
final class OpProgram implements AutoCloseable {
  private final Device device;
  private final State state;
  private final Program program;

  OpProgram(OpCase c, int threads) {
    device = Device.open("cpu", threads);
    state = new State(device);
    c.slots().forEach(state::add);
    c.slots().stream().filter(s -> s.dtype() == DType.U8).forEach(this::fillBytes);
    Slot seed = state.add(Slot.counter("seed-of-inputs"));
    Slot counter = state.add(Slot.counter("counter-of-inputs"));
    try (Program fill =
        Program.compile(
            Trace.of(t -> c.slots().forEach(s -> fill(t, s, new Trace.Clock(seed, counter, 1, 0)))),
            state)) {
      fill.run(1);
    }
    program = Program.compile(Trace.of(c.body()), state);
    if (program.kernelCount() != 1) {
      throw new IllegalStateException(
          c.name()
              + " takes "
              + program.kernelCount()
              + " kernels, so its time is not the op's:\n"
              + program.describe());
    }
  }

  private static void fill(Trace t, Slot slot, Trace.Clock clock) {
    Value contents =
        switch (slot.dtype()) {
          case F32 -> t.uniform(clock, 0, 1, slot.shape().dims());
          case I32 -> t.batchIndices(clock, slot.shape().count(), OpCase.IMAGES);
          default -> null;
        };
    if (contents != null) {
      t.write(slot, contents);
    }
  }

  // Untouched zeros might all be one page of memory, which would then be read from the cache.
  private void fillBytes(Slot slot) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(slot.shape().count());
      byte[] drawn = new byte[(int) bytes.byteSize()];
      new SplittableRandom(1).nextBytes(drawn);
      MemorySegment.copy(drawn, 0, bytes, ValueLayout.JAVA_BYTE, 0, drawn.length);
      state.write(slot, bytes);
    }
  }

  void run(int times) {
    program.run(times);
  }

  @Override
  public void close() {
    program.close();
    state.close();
    device.close();
  }
}
