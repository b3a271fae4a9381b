package dev.kantor.gan;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Activation;
import dev.kantor.nn.ConvNets;
import dev.kantor.nn.DiffAugment;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Shape;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A classifier of images, by softmax cross-entropy: the C of a CVAE-GAN, alone.
 *
 * @param network images [rows, features] in [0, 1] to logits [rows, classes]
 */
public record Classifier(Module network, Optimizer optimizer, long batchSize, long classes)
    implements Model {
  /** What an iteration reports, in this order. */
  public static final List<String> METRICS =
      List.of("classifier_loss", "classifier_accuracy", "classifier_gradient_norm");

  /** The name that its optimiser is bound by. */
  public static final String OPTIMIZER = "classifier.optimizer";

  public Classifier {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(optimizer, "optimizer");
    if (batchSize < 1 || classes < 1) {
      throw new IllegalArgumentException(
          "batch size and classes must be positive: " + batchSize + ", " + classes);
    }
  }

  /**
   * The classifier that settings describe.
   *
   * @throws IllegalArgumentException naming the setting that has no good value
   */
  public static Classifier of(Settings s, long channels, long height, long width) {
    long classes = s.integer("classes", 1);
    Module network =
        ConvNets.classifier(
            "classifier",
            channels,
            height,
            width,
            s.integers("critic-channels"),
            s.integer("critic-dense", 1),
            classes,
            Activation.of(s.text("critic-activation")),
            s.number("dropout"),
            Initialisation.of(s.text("init")));
    return new Classifier(
        DiffAugment.around(network, s.text("diff-augment"), Shape.of(channels, height, width)),
        s.optimizer(s.number("learning-rate")),
        s.integer("batch-size", 1),
        classes);
  }

  @Override
  public int batchesPerIteration() {
    return 1;
  }

  @Override
  public Optional<Generation> generation() {
    return Optional.empty();
  }

  @Override
  public Bound bind(State state) {
    Tensors tensors = Tensors.add(state, List.of(network));
    Optimizer.Bound bound =
        optimizer.bind(OPTIMIZER, state, network.parameters(), Optimizer.Around.NOTHING);
    return new Bound() {
      @Override
      public List<String> metrics() {
        return METRICS;
      }

      @Override
      public List<Parameter> parameters() {
        return network.parameters();
      }

      @Override
      public void traceInitial(Trace t, Slot seed, Slot counter) {
        tensors.traceInitial(t, seed, counter);
      }

      @Override
      public List<Value> traceIteration(Trace t, Batches batches, Slot counter) {
        return update(
            t,
            network,
            bound,
            batches.samples(0, Generation.Range.UNIT),
            batches.classes(0),
            counter);
      }
    };
  }

  /** Writes an update of a classifier whose parameters are the first that the flag numbers. */
  static List<Value> update(
      Trace t,
      Module network,
      Optimizer.Bound optimizer,
      Value images,
      Value classes,
      Slot counter) {
    Value logits = network.forward(Pass.training(t), images);
    Value loss = Losses.crossEntropy(logits, classes);
    List<Value> gradients = Gradients.grad(loss, Tensors.read(t, network));
    Value norm = Tensors.totalNorm(t.guardedNorms(counter, gradients, 0));
    optimizer.update(t, gradients);
    return List.of(loss, accuracy(logits, classes), norm);
  }

  /** The share of rows whose largest logit is that of their one-hot class, a scalar. */
  static Value accuracy(Value logits, Value classes) {
    Value chosen = Ops.oneHot(Ops.argmax(logits), classes.shape().dim(1));
    return Ops.scale(Ops.sum(Ops.mul(chosen, classes)), 1.0 / classes.shape().dim(0));
  }
}
