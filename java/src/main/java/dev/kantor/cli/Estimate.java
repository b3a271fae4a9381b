package dev.kantor.cli;

import com.google.gson.JsonObject;
import dev.kantor.graph.Program;
import dev.kantor.metrics.Yardstick;
import dev.kantor.tensor.Device;
import dev.kantor.train.Goal;
import dev.kantor.train.Job;
import dev.kantor.train.Schedule;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

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
 * @param evaluations on the way and at the end; empty if there are none
 */
record Estimate(
    long stateBytes,
    long arenaBytes,
    long dataBytes,
    long flops,
    double floorSeconds,
    double measuredSeconds,
    long iterations,
    Machine machine,
    Optional<Evaluations> evaluations) {
  /**
   * What evaluations take.
   *
   * @param count of all, or -1 if the training's length is a time, which leaves them out
   * @param seconds of one, measured; NaN if the judge is still to be trained
   */
  record Evaluations(long count, double seconds) {
    /** Evaluates once, if there is a judge. */
    static Evaluations measure(
        Session session, Images images, Goal goal, Schedule schedule, Judging judging)
        throws IOException {
      long last = goal.iterations(session.job().iterationsPerEpoch());
      long count =
          goal.unit() == Goal.Unit.MINUTES ? -1 : Math.ceilDiv(last, schedule.evaluateEvery());
      if (!judging.isReady(images)) {
        return new Evaluations(count, Double.NaN);
      }
      PrintWriter nobody = new PrintWriter(PrintWriter.nullWriter());
      try (Yardstick yardstick = session.yardstick(schedule, judging, nobody);
          Examination examination = session.examination(schedule, yardstick)) {
        long start = System.nanoTime();
        examination.evaluate(List.of());
        return new Evaluations(count, (System.nanoTime() - start) / 1e9);
      }
    }

    /** Of all; 0 if it is not known. */
    double total() {
      return count < 0 || Double.isNaN(seconds) ? 0 : count * seconds;
    }

    @Override
    public String toString() {
      String number = count < 0 ? "" : String.format(Locale.ROOT, "%,d, ", count);
      return Double.isNaN(seconds)
          ? number + "how long one takes is not known: the judge is not trained yet"
          : number
              + String.format(Locale.ROOT, "%.2f s each", seconds)
              + (count < 0 ? "" : ", about " + Display.duration(total()) + " in all");
    }
  }

  private static final double WARM_UP_SECONDS = 0.3;
  private static final double MEASURED_SECONDS = 1;

  /** Runs iterations for about a second; the state is no longer that of the start afterwards. */
  static Estimate measure(
      Device device, Job job, long dataBytes, Goal goal, Optional<Evaluations> evaluations) {
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
        machine,
        evaluations);
  }

  /** Seconds a run of a program takes, measured for at least so many seconds. */
  static double timed(Program p, double atLeast) {
    long done = 0;
    double seconds = 0;
    while (seconds < atLeast) {
      long n = Math.max(1, done / 2); // a call costs a GPU more than an iteration may
      seconds += Windows.timed(p, n);
      done += n;
    }
    return seconds / done;
  }

  /** All of the training, with what is known of its evaluations. */
  double seconds() {
    return iterations * measuredSeconds + evaluations.map(Evaluations::total).orElse(0.0);
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
      o.addProperty("seconds", seconds());
    }
    evaluations.ifPresent(
        e -> {
          if (e.count() >= 0) {
            o.addProperty("evaluations", e.count());
          }
          if (!Double.isNaN(e.seconds())) {
            o.addProperty("secondsPerEvaluation", e.seconds());
          }
        });
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
                Display.duration(seconds()));
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
        + evaluations.map(e -> String.format("%n%-16s %s", "evaluations", e)).orElse("")
        + total;
  }
}
