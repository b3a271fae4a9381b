package dev.kantor.examples;

import dev.kantor.gan.Objective;
import dev.kantor.gan.Regulariser;
import dev.kantor.graph.Gradients;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Activation;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Mlp;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.nn.Sequential;
import dev.kantor.optim.Optimizer;
import dev.kantor.report.Figure;
import dev.kantor.report.LinePlot;
import dev.kantor.report.Panel;
import dev.kantor.report.Series;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Why a Wasserstein critic: two parallel lines {0} x [0, 1] and {theta} x [0, 1] in the plane
 * (Arjovsky, Chintala, Bottou 2017, example 1 and figure 1). Their Jensen-Shannon divergence is log
 * 2 however near they are, so it has no slope to follow; their Wasserstein distance is |theta|.
 *
 * <p>Both are estimated by a small critic trained to tell samples of the lines apart. A trained
 * critic gives lower bounds, and the penalty lets the Wasserstein critic's slope be a little above
 * 1.
 */
public final class DisjointSupports {
  private static final double[] THETAS = {
    -1, -0.75, -0.5, -0.25, -0.1, -0.02, 0, 0.02, 0.1, 0.25, 0.5, 0.75, 1
  };
  private static final int BATCH = 256;
  private static final int ITERATIONS = 600;
  private static final int MEASURED = 20;
  private static final double RATE = 5e-3;

  /** So steep that the slope of the optimal critic, 1 + |theta| / (2 lambda), is 1.005 at most. */
  private static final double LAMBDA = 100;

  private DisjointSupports() {}

  /**
   * What was estimated for a distance between the lines.
   *
   * @param divergence Jensen-Shannon, in nats
   * @param distance Wasserstein
   */
  public record Estimate(double theta, double divergence, double distance) {}

  /**
   * Prints the estimates and draws them.
   *
   * @param args the picture's file, disjoint-supports.png if there is none
   */
  public static void main(String[] args) throws IOException {
    Path file = Path.of(args.length > 0 ? args[0] : "disjoint-supports.png");
    run(System.out, ITERATIONS, file);
    System.out.println(file);
  }

  /**
   * Estimates both for each theta, prints a table and draws the plot.
   *
   * @param iterations for which each critic is trained; at least {@value #MEASURED}, over the last
   *     of which the estimates are averaged
   */
  public static List<Estimate> run(PrintStream out, int iterations, Path picture)
      throws IOException {
    out.println("theta    JS     (true)    W      (true)");
    List<Estimate> all = new ArrayList<>();
    for (double theta : THETAS) {
      Estimate e =
          new Estimate(
              theta,
              estimate(new Objective.Minimax(false), new Regulariser.None(), theta, iterations),
              estimate(
                  new Objective.Wasserstein(),
                  new Regulariser.GradientPenalty(LAMBDA, false),
                  theta,
                  iterations));
      all.add(e);
      out.printf(
          Locale.ROOT,
          "%5.2f  %6.3f  (%5.3f)  %6.3f  (%5.3f)%n",
          theta,
          e.divergence,
          trueDivergence(theta),
          e.distance,
          Math.abs(theta));
    }
    draw(all, picture);
    return all;
  }

  private static double trueDivergence(double theta) {
    return theta == 0 ? 0 : Math.log(2);
  }

  /** Trains a new critic, and gives the mean of an objective's distance over the last batches. */
  private static double estimate(
      Objective objective, Regulariser regulariser, double theta, int iterations) {
    Sequential critic =
        Mlp.of(
            "critic",
            List.of(2L, 32L, 32L, 1L),
            Activation.LEAKY_RELU,
            null,
            false,
            Initialisation.FRAMEWORK);
    List<Parameter> parameters = critic.parameters();
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      Slot seed = state.add(Slot.counter("seed"));
      Slot counter = state.add(Slot.counter("iteration"));
      Slot ring = state.add(Slot.f32("ring", MEASURED, 1));
      begin(state, parameters);
      Optimizer.Bound adam =
          new Optimizer.Adam(RATE, 0.5, 0.9, Optimizer.Adam.DEFAULT_EPSILON, 0)
              .bind("adam", state, parameters, Optimizer.Around.NOTHING);
      Trace.Clock clock = new Trace.Clock(seed, counter, 1, 0);
      Trace.Body iteration =
          t -> {
            Value real = line(t, clock, 0);
            Value fake = line(t, clock, theta);
            Pass pass = Pass.training(t);
            Value onReal = critic.forward(pass, real);
            Value onFake = critic.forward(pass, fake);
            Value loss = objective.discriminator(onReal, onFake);
            Value total =
                regulariser
                    .penalty(x -> critic.forward(pass, x), real, fake, random(t, clock))
                    .map(p -> Ops.add(loss, p.value()))
                    .orElse(loss);
            List<Value> weights = parameters.stream().map(p -> t.read(p.slot())).toList();
            t.ringWrite(ring, counter, List.of(objective.distance(onReal, onFake)));
            adam.update(t, Gradients.grad(total, weights));
            t.increment(counter, 1);
          };
      try (Program training = Program.compile(Trace.of(iteration), state)) {
        training.run(iterations);
        double sum = 0;
        for (float d : state.floats(ring)) {
          sum += d;
        }
        return sum / MEASURED;
      }
    }
  }

  /** Points [BATCH, 2] of the line at x, uniform in y. */
  private static Value line(Trace t, Trace.Clock clock, double x) {
    return Ops.concat(1, Ops.full(x, BATCH, 1), t.uniform(clock, 0, 1, BATCH, 1));
  }

  private static Regulariser.Random random(Trace t, Trace.Clock clock) {
    return new Regulariser.Random() {
      @Override
      public Value alpha() {
        return t.uniform(clock, 0, 1, BATCH, 1);
      }

      @Override
      public Value perturbation() {
        return t.uniform(clock, 0, 1, BATCH, 2);
      }
    };
  }

  /** Weights of variance 2 / fan-in (He et al. 2015), the same for each critic; biases are 0. */
  private static void begin(State state, List<Parameter> parameters) {
    Random random = new Random(1);
    for (Parameter p : parameters) {
      state.add(p.slot());
      if (p.isWeight()) {
        float[] values = new float[(int) p.slot().shape().count()];
        double deviation = Math.sqrt(2.0 / p.slot().shape().dim(1));
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (deviation * random.nextGaussian());
        }
        state.set(p.slot(), values);
      }
    }
  }

  private static void draw(List<Estimate> all, Path picture) throws IOException {
    double[] theta = all.stream().mapToDouble(Estimate::theta).toArray();
    double[] divergence = all.stream().mapToDouble(Estimate::divergence).toArray();
    double[] distance = all.stream().mapToDouble(Estimate::distance).toArray();
    new Figure(
            700,
            420,
            List.of(
                new LinePlot(
                    new Panel.Labels("Two parallel lines", "theta", "estimate"),
                    false,
                    List.of(
                        new Series("Wasserstein", theta, distance),
                        new Series("Jensen-Shannon", theta, divergence)))))
        .write(picture);
  }
}
