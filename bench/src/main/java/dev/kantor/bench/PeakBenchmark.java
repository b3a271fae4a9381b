package dev.kantor.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the machine can do, for the others to be compared with. Java does it, so that no mistake of
 * Kantor's is in it.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class PeakBenchmark {
  /** Operations of {@link #fma} a thread. */
  static final int FLOPS = 3 << 19;

  // Eight would do for a latency of four cycles at two a cycle; more than fourteen would not fit
  // the registers of AVX2.
  private static final int CHAINS = 12;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** A thread's factors, which the compiler cannot know. */
  @State(Scope.Thread)
  public static class Factors {
    float scale = 0.999f;
    float shift = 0.001f;
  }

  /** Two blocks of a thread. */
  @State(Scope.Thread)
  public static class Blocks {
    /** Bytes read and bytes written, together, a thread. */
    @Param({"65536", "1048576", "8388608", "134217728"})
    public long bytes;

    private Arena arena;
    private MemorySegment from;
    private MemorySegment to;

    @Setup
    public void allocate() {
      arena = Arena.ofConfined();
      from = arena.allocate(bytes / 2, 64).fill((byte) 1);
      to = arena.allocate(bytes / 2, 64);
    }

    @TearDown
    public void free() {
      arena.close();
    }
  }

  /**
   * Fused multiply-adds of the widest vectors, in chains that do not depend on each other and never
   * leave the registers.
   */
  @Benchmark
  public float fma(Factors factors) {
    FloatVector x = FloatVector.broadcast(SPECIES, factors.scale);
    FloatVector y = FloatVector.broadcast(SPECIES, factors.shift);
    FloatVector a = y;
    FloatVector b = y;
    FloatVector c = y;
    FloatVector d = y;
    FloatVector e = y;
    FloatVector f = y;
    FloatVector g = y;
    FloatVector h = y;
    FloatVector j = y;
    FloatVector k = y;
    FloatVector l = y;
    FloatVector m = y;
    int turns = FLOPS / (2 * CHAINS * SPECIES.length());
    for (int i = 0; i < turns; i++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
      j = j.fma(x, y);
      k = k.fma(x, y);
      l = l.fma(x, y);
      m = m.fma(x, y);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(j).add(k).add(l).add(m).lane(0);
  }

  @Benchmark
  public MemorySegment copy(Blocks blocks) {
    return blocks.to.copyFrom(blocks.from);
  }
}
