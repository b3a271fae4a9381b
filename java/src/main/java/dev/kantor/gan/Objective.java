package dev.kantor.gan;

import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;

/**
 * What discriminator and generator minimise, given the scores [rows, 1] of real and generated
 * samples before any sigmoid.
 *
 * <p>Implement it to train with a loss of your own.
 */
public interface Objective {
  /** The discriminator's loss, a scalar. */
  Value discriminator(Value real, Value fake);

  /** The generator's loss, a scalar; few losses look at the real samples' scores here. */
  Value generator(Value real, Value fake);

  /**
   * An estimate of the distance between the real and the generated distribution, a scalar that
   * should fall; see each objective.
   */
  default Value distance(Value real, Value fake) {
    return Ops.neg(discriminator(real, fake));
  }

  /**
   * Binary cross-entropy (Goodfellow et al. 2014), real and fake terms added, not halved.
   *
   * @param saturating whether the generator minimises log(1 - D(G(z))), as the game is first
   *     written there; else -log D(G(z)), which the paper recommends because its gradient does not
   *     vanish
   */
  record Minimax(boolean saturating) implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Ops.add(Losses.bceWithLogits(real, 1), Losses.bceWithLogits(fake, 0));
    }

    @Override
    public Value generator(Value real, Value fake) {
      return saturating ? Ops.neg(Losses.bceWithLogits(fake, 0)) : Losses.bceWithLogits(fake, 1);
    }

    /**
     * A lower bound of the Jensen-Shannon divergence in nats: log 2 - loss / 2 (Goodfellow et al.
     * 2014, section 4.1).
     */
    @Override
    public Value distance(Value real, Value fake) {
      return Ops.shift(Ops.scale(discriminator(real, fake), -0.5), Math.log(2));
    }
  }

  /**
   * The Wasserstein critic (Arjovsky, Chintala, Bottou 2017): mean D(fake) - mean D(real); the
   * distance is its negative.
   */
  record Wasserstein() implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Ops.sub(Ops.mean(fake), Ops.mean(real));
    }

    @Override
    public Value generator(Value real, Value fake) {
      return Ops.neg(Ops.mean(fake));
    }
  }

  /**
   * The relativistic pairing loss (Jolicoeur-Martineau 2019; Huang et al. 2024, section 2): each
   * generated sample against a real one, -log sigmoid(D(real) - D(fake)) for the discriminator.
   */
  record Relativistic() implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Losses.bceWithLogits(Ops.sub(real, fake), 1);
    }

    @Override
    public Value generator(Value real, Value fake) {
      return Losses.bceWithLogits(Ops.sub(fake, real), 1);
    }

    /** What is left of the loss of a discriminator that cannot tell: log 2 - loss. */
    @Override
    public Value distance(Value real, Value fake) {
      return Ops.shift(Ops.neg(discriminator(real, fake)), Math.log(2));
    }
  }

  /** Hinge loss (Lim and Ye 2017): mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)). */
  record Hinge() implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Ops.add(
          Ops.mean(Ops.relu(Ops.shift(Ops.neg(real), 1))), Ops.mean(Ops.relu(Ops.shift(fake, 1))));
    }

    @Override
    public Value generator(Value real, Value fake) {
      return Ops.neg(Ops.mean(fake));
    }

    /** The margin between the scores, mean D(real) - mean D(fake). */
    @Override
    public Value distance(Value real, Value fake) {
      return Ops.sub(Ops.mean(real), Ops.mean(fake));
    }
  }

  /**
   * Least squares (Mao et al. 2017) with targets 1 and 0: half the mean squares of D(real) - 1 and
   * D(fake).
   */
  record LeastSquares() implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Ops.scale(
          Ops.add(Ops.mean(Ops.square(Ops.shift(real, -1))), Ops.mean(Ops.square(fake))), 0.5);
    }

    @Override
    public Value generator(Value real, Value fake) {
      return Ops.scale(Ops.mean(Ops.square(Ops.shift(fake, -1))), 0.5);
    }

    /**
     * A lower bound of half the Pearson divergence between the real distribution and the mixture:
     * 1/4 - loss (at its optimum).
     */
    @Override
    public Value distance(Value real, Value fake) {
      return Ops.shift(Ops.neg(discriminator(real, fake)), 0.25);
    }
  }
}
