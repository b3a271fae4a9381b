package dev.kantor.gan;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** What is added to the critic's loss to keep it smooth. */
public interface Regulariser {
  /**
   * The penalty for this batch; empty for none.
   *
   * @param critic writes the critic's forward pass: [rows, features] to scores [rows, 1]
   * @param real [rows, features]
   * @param fake [rows, features]
   * @param alpha gives uniform numbers in [0, 1), [rows, 1], if asked
   */
  Optional<Losses.Penalty> penalty(
      UnaryOperator<Value> critic, Value real, Value fake, Supplier<Value> alpha);

  /** None. */
  record None() implements Regulariser {
    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Supplier<Value> alpha) {
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
        UnaryOperator<Value> critic, Value real, Value fake, Supplier<Value> alpha) {
      // alpha * real + (1 - alpha) * fake
      Value x = Ops.add(fake, Ops.mul(alpha.get(), Ops.sub(real, fake)));
      return Optional.of(Losses.rowPenalty(inputGradient(critic, x), lambda, 1, oneSided));
    }
  }

  /**
   * R1 or R2 (Mescheder, Geiger, Nowozin 2018): gamma / 2 * mean ||dD/dx||^2 at real (R1) or
   * generated (R2) samples.
   *
   * @param atReal R1 if true, R2 if false
   */
  record ZeroCentred(double gamma, boolean atReal) implements Regulariser {
    /** Mescheder et al. 2018, section 4. */
    public static final double DEFAULT_GAMMA = 10;

    public ZeroCentred {
      if (!(gamma > 0)) {
        throw new IllegalArgumentException("gamma must be positive: " + gamma);
      }
    }

    @Override
    public Optional<Losses.Penalty> penalty(
        UnaryOperator<Value> critic, Value real, Value fake, Supplier<Value> alpha) {
      return Optional.of(
          Losses.rowPenalty(inputGradient(critic, atReal ? real : fake), gamma / 2, 0, false));
    }
  }

  private static Value inputGradient(UnaryOperator<Value> critic, Value x) {
    return Gradients.grad(List.of(Ops.sum(critic.apply(x))), List.of(x), null, true, true)
        .getFirst();
  }
}
