package dev.kantor.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One run of a one-op program, in a replay of {@value #RUNS}, so that the call from Java does not
 * count.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OpBenchmark {
  static final int RUNS = 16;

  /** A case of the table; {@link Report} names each in turn. */
  @Param("gemm-nn 512x512x512")
  public String name;

  @Param("1")
  public int threads;

  private OpProgram program;

  @Setup
  public void open() {
    program = new OpProgram(OpCase.of(name), threads);
  }

  @Benchmark
  @OperationsPerInvocation(RUNS)
  public void run() {
    program.run(RUNS);
  }

  @TearDown
  public void close() {
    program.close();
  }
}
