package dev.kantor.cli;

import com.google.gson.JsonObject;
import dev.kantor.graph.Program;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import dev.kantor.train.Job;
import java.util.Locale;

/**
 * What a training takes.
 *
 * @param stateBytes parameters, moments, counters, metrics
 * @param arenaBytes working memory of an iteration
 * @param dataBytes the samples
 * @param flops of an iteration
 * @param floorSeconds no iteration can be faster than that on this machine
 * @param measuredSeconds an iteration, measured
 * @param iterations all of the training, or -1 if its length is a time
 * @param machine what the floor is from
 */
record Estimate(
    long stateBytes,
    long arenaBytes,
    long dataBytes,
    long flops,
    double floorSeconds,
    double measuredSeconds,
    long iterations,
    Machine machine) {
  private static final double WARM_UP_SECONDS = 0.3;
  private static final double MEASURED_SECONDS = 1;

  /** Runs iterations for about a second; the state is no longer that of the start afterwards. */
  static Estimate measure(Device device, Job job, long dataBytes, Goal goal) {
    Program p = job.iteration();
    Machine machine = Machine.measure(device);
    timed(p, WARM_UP_SECONDS);
    double seconds = timed(p, MEASURED_SECONDS);
    long all = goal.unit() == Goal.Unit.MINUTES ? -1 : goal.iterations(job.iterationsPerEpoch());
    return new Estimate(
        job.state().bytes(),
        p.arenaBytes(),
        dataBytes,
        p.flops(),
        machine.floorSeconds(p.flops()),
        seconds,
        all,
        machine);
  }

  /** Seconds a run of a program takes, measured for at least so many seconds. */
  static double timed(Program p, double atLeast) {
    long start = System.nanoTime();
    long done = 0;
    double seconds = 0;
    while (seconds < atLeast) {
      p.run(1);
      done++;
      seconds = (System.nanoTime() - start) / 1e9;
    }
    return seconds / done;
  }

  JsonObject toJson() {
    JsonObject o = new JsonObject();
    o.addProperty("stateBytes", stateBytes);
    o.addProperty("arenaBytes", arenaBytes);
    o.addProperty("dataBytes", dataBytes);
    o.addProperty("flopsPerIteration", flops);
    o.addProperty("floorSecondsPerIteration", floorSeconds);
    o.addProperty("secondsPerIteration", measuredSeconds);
    if (iterations >= 0) {
      o.addProperty("iterations", iterations);
      o.addProperty("seconds", iterations * measuredSeconds);
    }
    o.addProperty("measuredFlopsPerSecond", machine.flopsPerSecond());
    o.addProperty("measuredBytesPerSecond", machine.bytesPerSecond());
    return o;
  }

  @Override
  public String toString() {
    String total =
        iterations < 0
            ? ""
            : String.format(
                Locale.ROOT,
                "%n%-16s %,d iterations, about %s",
                "in all",
                iterations,
                Display.duration(iterations * measuredSeconds));
    String memory =
        String.format(
            Locale.ROOT,
            "%.1f MB state, %.1f MB working memory, %.1f MB data",
            stateBytes / 1e6,
            arenaBytes / 1e6,
            dataBytes / 1e6);
    return String.format(
            Locale.ROOT,
            """
            %-16s %s
            %-16s %.1f MFLOP
            %-16s %.3f ms an iteration (%s)
            %-16s %.3f ms an iteration, pictures and checkpoints not counted\
            """,
            "memory",
            memory,
            "an iteration",
            flops / 1e6,
            "floor",
            floorSeconds * 1e3,
            machine,
            "measured",
            measuredSeconds * 1e3)
        + total;
  }
}
