package dev.kantor.gan;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.optim.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The updates of a design, bound to a state's slots, ready to be written into a trace. */
public final class Updates {
  /** What an iteration reports, in this order; the critic's are from its last update. */
  public static final List<String> METRICS =
      List.of(
          "critic_loss",
          "generator_loss",
          "distance",
          "penalty",
          "critic_gradient_norm",
          "generator_gradient_norm",
          "score_real",
          "score_fake",
          "input_gradient_norm");

  // A range of random streams of its own, so that nothing else that the seed drives depends on it.
  private static final long INITIAL_STREAMS = 1L << 24;

  private final Design design;
  private final State state;
  private final Optimizer.Bound critic;
  private final Optimizer.Bound generator;

  /** Adds the parameters' and the optimisers' slots to a state. */
  public Updates(Design design, State state) {
    this.design = design;
    this.state = state;
    tensors().forEach(p -> state.add(p.slot()));
    critic =
        design
            .criticOptimizer()
            .bind(
                "critic.optimizer",
                state,
                design.critic().parameters(),
                new Optimizer.Around(design.clip(), 0));
    generator =
        design
            .generatorOptimizer()
            .bind(
                "generator.optimizer",
                state,
                design.generator().parameters(),
                new Optimizer.Around(0, design.ema()));
  }

  /**
   * The critic's parameters, then the generator's: the order in which {@link Trace#guardedNorms}
   * numbers their gradients.
   */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(design.critic().parameters());
    all.addAll(design.generator().parameters());
    return all;
  }

  private List<Parameter> tensors() {
    List<Parameter> all = new ArrayList<>(parameters());
    all.addAll(design.critic().buffers());
    all.addAll(design.generator().buffers());
    return all;
  }

  /**
   * Writes the parameters' and buffers' first values, and those of the moving averages. Run the
   * program once.
   */
  public void traceInitial(Trace t, Slot seed, Slot counter) {
    t.streamsFrom(INITIAL_STREAMS);
    Trace.Clock clock = new Trace.Clock(seed, counter, 1, 0);
    for (Parameter p : tensors()) {
      long[] dims = p.slot().shape().dims();
      Value v =
          switch (p.initial()) {
            case Parameter.Initial.Uniform(double bound) -> t.uniform(clock, -bound, bound, dims);
            case Parameter.Initial.Normal(double deviation) ->
                Ops.scale(t.normal(clock, dims), deviation);
            case Parameter.Initial.Constant(double value) -> Ops.full(value, dims);
          };
      t.write(p.slot(), v);
      Slot average = average(p);
      if (state.contains(average.name())) {
        t.write(average, v);
      }
    }
  }

  /** The slot of a parameter's moving average, where there is one. */
  static Slot average(Parameter p) {
    return new Slot(p.slot().name() + ".ema", p.slot().dtype(), p.slot().shape());
  }

  /**
   * Writes one iteration: the critic's updates, each on a fresh batch, then the generator's.
   *
   * @param counter what the fault flag records as the time
   * @return {@link #METRICS}, scalars
   */
  public List<Value> traceIteration(Trace t, Inputs inputs, Slot counter) {
    List<Value> ofCritic = List.of();
    for (int i = 0; i < design.criticSteps(); i++) {
      ofCritic = criticUpdate(t, inputs, i, counter);
    }
    Value fake = design.generator().forward(Pass.training(t), inputs.generatorNoise());
    Value loss = design.objective().generator(design.critic().forward(Pass.training(t), fake));
    List<Value> gradients = Gradients.grad(loss, slots(t, design.generator()));
    Value norm = totalNorm(t.guardedNorms(counter, gradients, design.critic().parameters().size()));
    generator.update(t, gradients);
    return List.of(
        ofCritic.get(0),
        loss,
        ofCritic.get(1),
        ofCritic.get(2),
        ofCritic.get(3),
        norm,
        ofCritic.get(4),
        ofCritic.get(5),
        ofCritic.get(6));
  }

  private List<Value> criticUpdate(Trace t, Inputs inputs, int step, Slot counter) {
    Value real = inputs.real(step);
    Value fake = design.generator().forward(Pass.training(t), inputs.criticNoise(step));
    Value onReal = design.critic().forward(Pass.training(t), real);
    Value onFake = design.critic().forward(Pass.training(t), fake);
    Value loss = design.objective().discriminator(onReal, onFake);
    Optional<Losses.Penalty> penalty =
        design
            .regulariser()
            .penalty(
                x -> design.critic().forward(Pass.training(t), x),
                real,
                fake,
                () -> inputs.alpha(step));
    Value total = penalty.map(p -> Ops.add(loss, p.value())).orElse(loss);
    List<Value> gradients = Gradients.grad(total, slots(t, design.critic()));
    Value norm = totalNorm(t.guardedNorms(counter, gradients, 0));
    Value zero = Ops.full(0);
    List<Value> metrics =
        List.of(
            loss,
            design.objective().distance(onReal, onFake),
            penalty.map(Losses.Penalty::value).orElse(zero),
            norm,
            Ops.mean(onReal),
            Ops.mean(onFake),
            penalty.map(p -> Ops.mean(p.norms())).orElse(zero));
    critic.update(t, gradients);
    return metrics;
  }

  private static Value totalNorm(Value norms) {
    return Ops.slice(norms, 0, norms.shape().dim(0) - 1, 1);
  }

  private static List<Value> slots(Trace t, Module module) {
    return module.parameters().stream().map(p -> t.read(p.slot())).toList();
  }
}
