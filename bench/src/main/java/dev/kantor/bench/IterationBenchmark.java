package dev.kantor.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A training iteration: one update of the critic and one of the generator, replayed one at a time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class IterationBenchmark {
  @Param({"gan", "wgan", "wgan-gp"})
  public String variant;

  @Param({"64", "512"})
  public int batch;

  @Param({"1", "2"})
  public int threads;

  private Iteration iteration;

  @Setup
  public void open() throws IOException {
    iteration = new Iteration(variant, batch, threads);
  }

  @Benchmark
  public void iteration() {
    iteration.run();
  }

  @TearDown
  public void close() {
    iteration.close();
  }
}
