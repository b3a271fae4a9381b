package dev.kantor.gan;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** What is added to the critic's loss to keep it smooth. */
public interface Regulariser {
  /**
   * The penalty for this batch; empty for none.
   *
   * @param critic writes the critic's forward pass: [rows, features] to scores [rows, 1]
   * @param real [rows, features]
   * @param fake [rows, features]
   */
  Optional<Losses.Penalty> penalty(
      UnaryOperator<Value> critic, Value real, Value fake, Random random);

  /** Random numbers, drawn if asked for. */
  interface Random {
    /** Uniform numbers in [0, 1), [rows, 1]. */
    Value alpha();

    /** Uniform numbers in [0, 1), [rows, features]. */
    Value perturbation();
  }

  /** None. */
  record None() implements Regulariser {
    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Random random) {
      return Optional.empty();
    }
  }

  /**
   * The gradient penalty (Gulrajani et al. 2017): lambda * mean (||dD/dx|| - 1)^2 at random points
   * between real and fake samples.
   *
   * @param oneSided penalises only norms above 1 (there, section 4; Petzka et al. 2018)
   */
  record GradientPenalty(double lambda, boolean oneSided) implements Regulariser {
    /** Gulrajani et al. 2017, section 4. */
    public static final double DEFAULT_LAMBDA = 10;

    public GradientPenalty {
      if (!(lambda > 0)) {
        throw new IllegalArgumentException("lambda must be positive: " + lambda);
      }
    }

    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Random random) {
      // alpha * real + (1 - alpha) * fake
      Value x = Ops.add(fake, Ops.mul(random.alpha(), Ops.sub(real, fake)));
      return Optional.of(Losses.rowPenalty(inputGradient(critic, x), lambda, 1, oneSided));
    }
  }

  /**
   * The gradient penalty around real samples (DRAGAN, Kodali et al. 2017, section 2.3): lambda *
   * mean (||dD/dx|| - 1)^2 at real + alpha * u * std(real) / 2, u uniform in [0, 1) for each
   * number.
   */
  record AroundData(double lambda) implements Regulariser {
    public AroundData {
      if (!(lambda > 0)) {
        throw new IllegalArgumentException("lambda must be positive: " + lambda);
      }
    }

    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Random random) {
      Value centred = Ops.sub(real, Ops.mean(real));
      Value deviation = Ops.sqrt(Ops.mean(Ops.square(centred)));
      Value distance = Ops.mul(random.perturbation(), Ops.scale(deviation, 0.5));
      Value x = Ops.add(real, Ops.mul(random.alpha(), distance));
      return Optional.of(Losses.rowPenalty(inputGradient(critic, x), lambda, 1, false));
    }
  }

  /**
   * R1 and R2 (Mescheder, Geiger, Nowozin 2018): gamma / 2 * mean ||dD/dx||^2 at real (R1) or
   * generated (R2) samples, or both (Huang et al. 2024, section 2.2).
   */
  record ZeroCentred(double gamma, Place place) implements Regulariser {
    /** Mescheder et al. 2018, section 4. */
    public static final double DEFAULT_GAMMA = 10;

    /** Where the gradient is taken. */
    public enum Place {
      REAL,
      GENERATED,
      BOTH
    }

    public ZeroCentred {
      Objects.requireNonNull(place, "place");
      if (!(gamma > 0)) {
        throw new IllegalArgumentException("gamma must be positive: " + gamma);
      }
    }

    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Random random) {
      return Optional.of(
          switch (place) {
            case REAL -> at(critic, real);
            case GENERATED -> at(critic, fake);
            case BOTH -> {
              Losses.Penalty r1 = at(critic, real);
              Losses.Penalty r2 = at(critic, fake);
              yield new Losses.Penalty(
                  Ops.add(r1.value(), r2.value()), Ops.concat(0, r1.norms(), r2.norms()));
            }
          });
    }

    private Losses.Penalty at(UnaryOperator<Value> critic, Value x) {
      return Losses.rowPenalty(inputGradient(critic, x), gamma / 2, 0, false);
    }
  }

  private static Value inputGradient(UnaryOperator<Value> critic, Value x) {
    return Gradients.grad(List.of(Ops.sum(critic.apply(x))), List.of(x), null, true, true)
        .getFirst();
  }
}
