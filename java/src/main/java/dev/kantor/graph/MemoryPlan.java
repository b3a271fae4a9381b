package dev.kantor.graph;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives every buffer of a program a place in its arena, so that buffers that are needed at the same
 * time do not overlap.
 */
final class MemoryPlan {
  private static final long ALIGNMENT = 64;

  /**
   * For how many kernels after its last use a buffer's place stays free. Kernels that do not depend
   * on each other run side by side; a place taken over at once would make them wait.
   */
  private static final int SLACK = 2;

  private record Life(Value root, int first, int last, long bytes) {}

  private final Map<Value, Long> offsets = new HashMap<>();
  private final long bytes;

  MemoryPlan(List<Kernel> kernels, Placement placement, boolean doublePrecision) {
    Map<Value, int[]> span = new HashMap<>();
    for (int i = 0; i < kernels.size(); i++) {
      for (List<Value> operands : List.of(kernels.get(i).inputs(), kernels.get(i).outputs())) {
        for (Value v : operands) {
          Value root = placement.home(v).root();
          if (!(root.node.op instanceof Sources.ReadSlot)) {
            int at = i;
            span.computeIfAbsent(root, k -> new int[] {at, at})[1] = i;
          }
        }
      }
    }
    List<Life> lives = new ArrayList<>();
    span.forEach(
        (root, s) ->
            lives.add(
                new Life(
                    root,
                    s[0],
                    s[1] + SLACK,
                    root.shape().count()
                        * Lowering.promoted(root.dtype(), doublePrecision).bytes())));
    lives.sort(Comparator.comparingLong(Life::bytes).reversed().thenComparingInt(Life::first));
    List<Life> placed = new ArrayList<>();
    long top = 0;
    for (Life life : lives) {
      long at = lowestFree(life, placed);
      offsets.put(life.root, at);
      placed.add(life);
      top = Math.max(top, at + life.bytes);
    }
    bytes = aligned(top);
  }

  private long lowestFree(Life life, List<Life> placed) {
    List<Life> busy =
        new ArrayList<>(
            placed.stream().filter(p -> p.first <= life.last && life.first <= p.last).toList());
    busy.sort(Comparator.comparingLong(p -> offsets.get(p.root)));
    long at = 0;
    for (Life p : busy) {
      long start = offsets.get(p.root);
      if (at + life.bytes <= start) {
        break;
      }
      at = Math.max(at, aligned(start + p.bytes));
    }
    return at;
  }

  private static long aligned(long n) {
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  long offset(Value root) {
    return offsets.get(root);
  }

  /** Size of the arena. */
  long bytes() {
    return bytes;
  }
}
