package dev.kantor.gan;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.optim.Optimizer;
import java.util.List;
import java.util.Optional;

/** The updates of a design, bound to a state's slots, ready to be written into a trace. */
public final class Updates implements Model.Bound {
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

  private final Design design;
  private final Tensors tensors;
  private final Optimizer.Bound critic;
  private final Optimizer.Bound generator;

  /** Adds the parameters' and the optimisers' slots to a state. */
  public Updates(Design design, State state) {
    this.design = design;
    tensors = Tensors.add(state, List.of(design.critic(), design.generator()));
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
    if (design.ema() > 0) {
      Tensors.addAverages(state, design.generator());
    }
  }

  @Override
  public List<String> metrics() {
    return METRICS;
  }

  /** The critic's parameters, then the generator's. */
  @Override
  public List<Parameter> parameters() {
    return Tensors.parameters(List.of(design.critic(), design.generator()));
  }

  @Override
  public void traceInitial(Trace t, Slot seed, Slot counter) {
    tensors.traceInitial(t, seed, counter);
  }

  @Override
  public List<Value> traceIteration(Trace t, Batches batches, Slot counter) {
    return traceIteration(t, new DataInputs(batches, design), counter);
  }

  /** A GAN's inputs from a data set. */
  private record DataInputs(Batches batches, Design design) implements Inputs {
    @Override
    public Value real(int criticStep) {
      return batches.samples(criticStep, design.range());
    }

    @Override
    public Value criticNoise(int criticStep) {
      return batches.normal(criticStep, design.batchSize(), design.latent());
    }

    @Override
    public Value alpha(int criticStep) {
      return batches.uniform(criticStep, design.batchSize(), 1);
    }

    @Override
    public Value perturbation(int criticStep) {
      return batches.uniform(criticStep, real(criticStep).shape().dims());
    }

    @Override
    public Value generatorNoise() {
      return batches.normal(design.batchSize(), design.latent());
    }
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
    Pass pass = Pass.training(t);
    Value fake = design.generator().forward(pass, inputs.generatorNoise());
    Value onFake = design.critic().forward(pass, fake);
    // Dead code, unless the loss compares.
    Value onReal = design.critic().forward(pass, inputs.real(design.criticSteps() - 1));
    Value loss = design.objective().generator(onReal, onFake);
    List<Value> gradients = Gradients.grad(loss, Tensors.read(t, design.generator()));
    Value norm =
        Tensors.totalNorm(t.guardedNorms(counter, gradients, design.critic().parameters().size()));
    generator.update(t, gradients);
    if (design.ema() > 0) {
      Tensors.updateAverages(t, design.generator(), generator.hyper().apply(t));
    }
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
    Pass pass = Pass.training(t);
    Value fake = design.generator().forward(pass, inputs.criticNoise(step));
    Value onReal = design.critic().forward(pass, real);
    Value onFake = design.critic().forward(pass, fake);
    Value loss = design.objective().discriminator(onReal, onFake);
    Optional<Losses.Penalty> penalty =
        design
            .regulariser()
            .penalty(x -> design.critic().forward(pass, x), real, fake, random(inputs, step));
    Value total = penalty.map(p -> Ops.add(loss, p.value())).orElse(loss);
    List<Value> gradients = Gradients.grad(total, Tensors.read(t, design.critic()));
    Value norm = Tensors.totalNorm(t.guardedNorms(counter, gradients, 0));
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

  private static Regulariser.Random random(Inputs inputs, int step) {
    return new Regulariser.Random() {
      @Override
      public Value alpha() {
        return inputs.alpha(step);
      }

      @Override
      public Value perturbation() {
        return inputs.perturbation(step);
      }
    };
  }
}
