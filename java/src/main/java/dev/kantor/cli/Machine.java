package dev.kantor.cli;

import com.google.gson.JsonObject;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.tensor.Device;
import java.util.Locale;

/**
 * What a device reaches, measured just now with Kantor's own kernels: a stated peak would say more
 * than the machine gives.
 *
 * @param side of the square matrices that are multiplied; those for a GPU fill it
 * @param flopsPerSecond of their product
 * @param bytesPerSecond of scaling an array, of 34 MB for a CPU and up to 537 for a GPU, read and
 *     written
 */
record Machine(int side, double flopsPerSecond, double bytesPerSecond) {
  private static final int CPU_SIDE = 512;
  private static final int MOST = 4096;
  private static final int PER_MULTIPROCESSOR = 32;
  private static final long MOST_NUMBERS = 1L << 27;
  private static final int TRIES = 5;

  static Machine measure(Device device) {
    JsonObject facts = DeviceOptions.json(device);
    int side =
        facts.has("multiprocessors")
            ? Math.min(MOST, PER_MULTIPROCESSOR * facts.get("multiprocessors").getAsInt())
            : CPU_SIDE;
    long n = Math.min(32L * side * side, MOST_NUMBERS);
    try (State state = new State(device)) {
      Slot a = state.add(Slot.f32("a", side, side));
      Slot b = state.add(Slot.f32("b", side, side));
      Slot c = state.add(Slot.f32("c", side, side));
      Slot x = state.add(Slot.f32("x", n));
      Slot y = state.add(Slot.f32("y", n));
      double product = fastest(state, t -> t.write(c, Ops.matmul(t.read(a), t.read(b))));
      double scale = fastest(state, t -> t.write(y, Ops.scale(t.read(x), 2)));
      return new Machine(side, 2.0 * side * side * side / product, 2.0 * 4 * n / scale);
    }
  }

  private static double fastest(State state, Trace.Body body) {
    double best = Double.POSITIVE_INFINITY;
    try (Program p = Program.compile(Trace.of(body), state)) {
      for (int i = 0; i < TRIES; i++) {
        long start = System.nanoTime();
        p.run(1);
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
      }
    }
    return best;
  }

  /**
   * The least time for so much arithmetic. Bytes do not count: the networks of this family stay in
   * the caches.
   */
  double floorSeconds(long flops) {
    return flops / flopsPerSecond;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "measured: %.1f GFLOP/s in a %d x %d product, %.1f GB/s",
        flopsPerSecond / 1e9,
        side,
        side,
        bytesPerSecond / 1e9);
  }
}
