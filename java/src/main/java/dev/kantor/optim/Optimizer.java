package dev.kantor.optim;

import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** An update rule with its hyper-parameters, which live on the device in {@code name.hyper}. */
public sealed interface Optimizer {
  /** How it updates. */
  Rule rule();

  /** An update rule with a constant learning rate. */
  sealed interface Rule extends Optimizer {
    double learningRate();

    @Override
    default Rule rule() {
      return this;
    }
  }

  /**
   * Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019).
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   */
  record Adam(double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
      implements Rule {
    public static final double DEFAULT_EPSILON = 1e-8;

    public Adam {
      Optimizer.requirePositive("learning rate", learningRate);
      Optimizer.requireFraction("beta1", beta1);
      Optimizer.requireFraction("beta2", beta2);
      Optimizer.requirePositive("epsilon", epsilon);
    }
  }

  /**
   * RMSprop (Tieleman and Hinton 2012).
   *
   * @param alpha decay of the mean square, in [0, 1)
   */
  record RmsProp(double learningRate, double alpha, double epsilon) implements Rule {
    /** The framework's default. */
    public static final double DEFAULT_ALPHA = 0.99;

    public static final double DEFAULT_EPSILON = 1e-8;

    public RmsProp {
      Optimizer.requirePositive("learning rate", learningRate);
      Optimizer.requireFraction("alpha", alpha);
      Optimizer.requirePositive("epsilon", epsilon);
    }
  }

  /**
   * Stochastic gradient descent.
   *
   * @param momentum in [0, 1)
   */
  record Sgd(double learningRate, double momentum) implements Rule {
    public Sgd {
      Optimizer.requirePositive("learning rate", learningRate);
      Optimizer.requireFraction("momentum", momentum);
    }
  }

  /**
   * A rule whose learning rate falls as the training goes on, by iterations and not by updates, so
   * that those of a generator and a critic stay together. The graph computes it from the
   * iteration's number: a training that is continued has the rates of one that was never
   * interrupted.
   *
   * @param rule gives the rate at the beginning
   * @param fall its shape
   * @param epochs passes over the data in which it falls; later it stays
   * @param end the share of the learning rate that it falls to, in [0, 1]
   */
  record Scheduled(Rule rule, Trace.Fall fall, double epochs, double end) implements Optimizer {
    public Scheduled {
      Objects.requireNonNull(rule, "rule");
      Objects.requireNonNull(fall, "fall");
      Optimizer.requirePositive("the epochs in which a learning rate falls", epochs);
      if (!(end >= 0 && end <= 1)) {
        throw new IllegalArgumentException(
            "the share that a learning rate falls to must be in [0, 1]: " + end);
      }
    }
  }

  /**
   * What surrounds the rule.
   *
   * @param clip c of the clipping of weights to [-c, c] after each update (Arjovsky et al. 2017),
   *     or 0 for none
   * @param emaDecay decay of a moving average of the parameters, kept in {@code parameter.ema}, or
   *     0 for none; in iteration n, from 0, it is at most (1 + n) / (10 + n), so that what the
   *     parameters began with is soon forgotten
   */
  record Around(double clip, double emaDecay) {
    public static final Around NOTHING = new Around(0, 0);

    public Around {
      if (!(clip >= 0) || !(emaDecay >= 0 && emaDecay < 1)) {
        throw new IllegalArgumentException(
            "clip must not be negative and the EMA decay must be in [0, 1): "
                + clip
                + ", "
                + emaDecay);
      }
    }
  }

  /**
   * An optimiser whose state is in slots, ready to write updates into a trace.
   *
   * @param hyper writes the hyper-parameters f32[8] of an iteration
   */
  record Bound(
      Trace.Rule rule, Function<Trace, Value> hyper, Slot step, List<Trace.Updated> parameters) {
    /** Updates all parameters with their gradients, in their order. */
    public void update(Trace trace, List<Value> gradients) {
      trace.optimize(rule, hyper.apply(trace), step, parameters, gradients);
    }
  }

  /**
   * Adds the optimiser's slots ({@code name.hyper}, {@code name.schedule} if there is one, {@code
   * name.step}, {@code parameter.m}, {@code parameter.v}) to a state.
   */
  default Bound bind(String name, State state, List<Parameter> parameters, Around around) {
    Trace.Rule rule =
        switch (rule()) {
          case Adam _ -> Trace.Rule.ADAM;
          case RmsProp _ -> Trace.Rule.RMSPROP;
          case Sgd _ -> Trace.Rule.SGD;
        };
    Slot hyper = state.add(Slot.f32(name + ".hyper", 8));
    float clip = (float) around.clip;
    float ema = (float) around.emaDecay;
    switch (rule()) {
      case Adam a ->
          state.set(
              hyper,
              (float) a.learningRate,
              (float) a.beta1,
              (float) a.beta2,
              (float) a.epsilon,
              (float) a.weightDecay,
              clip,
              ema,
              0f);
      case RmsProp r ->
          state.set(
              hyper,
              (float) r.learningRate,
              (float) r.alpha,
              0f,
              (float) r.epsilon,
              0f,
              clip,
              ema,
              0f);
      case Sgd s ->
          state.set(hyper, (float) s.learningRate, (float) s.momentum, 0f, 0f, 0f, clip, ema, 0f);
    }
    Function<Trace, Value> now = t -> t.read(hyper);
    Optional<Scheduled> change = change(around);
    if (change.isPresent()) {
      Scheduled s = change.get();
      Slot schedule = state.add(Slot.f32(name + ".schedule", 2));
      state.set(schedule, (float) s.epochs, (float) s.end);
      now = t -> t.scheduled(s.fall, hyper, schedule);
    }
    Slot step = state.add(Slot.counter(name + ".step"));
    List<Trace.Updated> updated = new ArrayList<>();
    for (Parameter p : parameters) {
      Slot first = rule == Trace.Rule.RMSPROP ? null : state.add(like(p.slot(), ".m"));
      Slot second = rule == Trace.Rule.SGD ? null : state.add(like(p.slot(), ".v"));
      Slot average = around.emaDecay > 0 ? state.add(like(p.slot(), ".ema")) : null;
      boolean decay = rule() instanceof Adam a && a.weightDecay > 0 && p.isWeight();
      updated.add(
          new Trace.Updated(
              p.slot(), first, second, average, around.clip > 0 && p.isWeight(), decay));
    }
    return new Bound(rule, now, step, updated);
  }

  /** How the hyper-parameters change in time, if they do. */
  private Optional<Scheduled> change(Around around) {
    if (this instanceof Scheduled s) {
      return Optional.of(s);
    }
    return around.emaDecay > 0
        ? Optional.of(new Scheduled(rule(), Trace.Fall.LINEAR, 1, 1)) // a constant rate
        : Optional.empty();
  }

  private static Slot like(Slot slot, String suffix) {
    return new Slot(slot.name() + suffix, slot.dtype(), slot.shape());
  }

  private static void requirePositive(String what, double value) {
    if (!(value > 0)) {
      throw new IllegalArgumentException(what + " must be positive: " + value);
    }
  }

  private static void requireFraction(String what, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(what + " must be in [0, 1): " + value);
    }
  }
}
