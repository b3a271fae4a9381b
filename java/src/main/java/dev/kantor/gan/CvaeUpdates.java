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
import dev.kantor.nn.Vae;
import dev.kantor.optim.Optimizer;
import java.util.ArrayList;
import java.util.List;

/** The updates of a CVAE-GAN, bound to a state's slots. */
public final class CvaeUpdates implements Model.Bound {
  /** What an iteration reports, in this order; the critic's are from its last update. */
  public static final List<String> METRICS =
      List.of(
          "critic_loss",
          "generator_loss",
          "distance",
          "reconstruction_loss",
          "divergence",
          "class_loss",
          "class_agreement",
          "classifier_loss",
          "classifier_accuracy",
          "critic_gradient_norm",
          "generator_gradient_norm",
          "classifier_gradient_norm",
          "score_real",
          "score_fake");

  private static final Objective.Minimax JUDGEMENT = new Objective.Minimax(false);

  private final CvaeGan model;
  private final Tensors tensors;
  private final Optimizer.Bound classifier;
  private final Optimizer.Bound critic;
  private final Optimizer.Bound vae;

  CvaeUpdates(CvaeGan model, State state) {
    this.model = model;
    List<Module> networks = new ArrayList<>(List.of(model.classifier(), model.critic()));
    networks.addAll(model.autoencoder());
    tensors = Tensors.add(state, networks);
    classifier =
        model
            .classifierOptimizer()
            .bind(
                "classifier.optimizer",
                state,
                model.classifier().parameters(),
                Optimizer.Around.NOTHING);
    critic =
        model
            .criticOptimizer()
            .bind("critic.optimizer", state, model.critic().parameters(), Optimizer.Around.NOTHING);
    vae =
        model
            .vaeOptimizer()
            .bind(
                "vae.optimizer",
                state,
                Tensors.parameters(model.autoencoder()),
                new Optimizer.Around(0, model.ema()));
  }

  @Override
  public List<String> metrics() {
    return METRICS;
  }

  /** The classifier's parameters, the critic's, the encoder's, then the decoder's. */
  @Override
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(model.classifier().parameters());
    all.addAll(model.critic().parameters());
    all.addAll(Tensors.parameters(model.autoencoder()));
    return all;
  }

  @Override
  public void traceInitial(Trace t, Slot seed, Slot counter) {
    tensors.traceInitial(t, seed, counter);
  }

  @Override
  public List<Value> traceIteration(Trace t, Batches batches, Slot counter) {
    return traceIteration(t, new DataInputs(batches, model), counter);
  }

  /**
   * Writes one iteration: for each of its batches an update of the classifier and one of the
   * critic, then one of the autoencoder on the last batch.
   *
   * @return {@link #METRICS}, scalars
   */
  public List<Value> traceIteration(Trace t, CvaeGan.Inputs in, Slot counter) {
    List<Value> ofClassifier = List.of();
    List<Value> ofCritic = List.of();
    for (int step = 0; step < model.criticSteps(); step++) {
      ofClassifier = classifierUpdate(t, in.images(step), in.classes(step), counter);
      ofCritic = criticUpdate(t, in, step, counter);
    }
    int last = model.criticSteps() - 1;
    List<Value> ofVae = vaeUpdate(t, in.images(last), in.classes(last), in.codeNoise(), counter);
    return List.of(
        ofCritic.get(0),
        ofVae.get(0),
        ofCritic.get(1),
        ofVae.get(1),
        ofVae.get(2),
        ofVae.get(3),
        ofVae.get(4),
        ofClassifier.get(0),
        ofClassifier.get(1),
        ofCritic.get(2),
        ofVae.get(5),
        ofClassifier.get(2),
        ofCritic.get(3),
        ofCritic.get(4));
  }

  private List<Value> classifierUpdate(Trace t, Value images, Value classes, Slot counter) {
    return Classifier.update(t, model.classifier(), classifier, images, classes, counter);
  }

  private List<Value> criticUpdate(Trace t, CvaeGan.Inputs in, int step, Slot counter) {
    Value noise = in.criticNoise(step);
    Value told = model.freeNoise() ? noise : Ops.concat(1, noise, in.classes(step));
    Pass pass = Pass.training(t);
    Value fake = Ops.sigmoid(model.decoder().forward(pass, told));
    Value onReal = model.critic().forward(pass, in.images(step));
    Value onFake = model.critic().forward(pass, fake);
    Value loss = JUDGEMENT.discriminator(onReal, onFake);
    List<Value> gradients = Gradients.grad(loss, Tensors.read(t, model.critic()));
    Value norms = t.guardedNorms(counter, gradients, model.classifier().parameters().size());
    critic.update(t, gradients);
    return List.of(
        loss,
        JUDGEMENT.distance(onReal, onFake),
        Tensors.totalNorm(norms),
        Ops.mean(onReal),
        Ops.mean(onFake));
  }

  private List<Value> vaeUpdate(Trace t, Value images, Value classes, Value noise, Slot counter) {
    Pass pass = Pass.training(t);
    Vae.Code code = model.encoder().encode(pass, images);
    Value logits = model.decoder().forward(pass, Ops.concat(1, code.sample(noise), classes));
    Value reconstruction = Ops.sigmoid(logits);
    Value fidelity = fidelity(logits, reconstruction, images);
    Value divergence = code.divergence();
    Value judged = model.critic().forward(pass, reconstruction);
    Value adversarial = JUDGEMENT.generator(model.critic().forward(pass, images), judged);
    Value classLogits = model.classifier().forward(pass, reconstruction);
    Value classLoss = Losses.crossEntropy(classLogits, classes);
    CvaeGan.Weights w = model.weights();
    Value loss =
        Ops.add(
            Ops.add(Ops.scale(fidelity, w.reconstruction()), Ops.scale(divergence, w.divergence())),
            Ops.add(
                Ops.scale(adversarial, w.adversarial()), Ops.scale(classLoss, w.classification())));
    List<Value> gradients =
        Gradients.grad(loss, Tensors.read(t, model.autoencoder().toArray(Module[]::new)));
    int before = model.classifier().parameters().size() + model.critic().parameters().size();
    Value norms = t.guardedNorms(counter, gradients, before);
    vae.update(t, gradients);
    return List.of(
        adversarial,
        fidelity,
        divergence,
        classLoss,
        Classifier.accuracy(classLogits, classes),
        Tensors.totalNorm(norms));
  }

  /** Summed over an image's pixels, averaged over the batch. */
  private Value fidelity(Value logits, Value reconstruction, Value images) {
    Value sum =
        switch (model.fidelity()) {
          case BCE -> Ops.sum(Ops.sub(Ops.softplus(logits), Ops.mul(images, logits)));
          case SQUARED_ERROR -> Ops.sum(Ops.square(Ops.sub(reconstruction, images)));
        };
    return Ops.scale(sum, 1.0 / model.batchSize());
  }

  /** Inputs from a data set. */
  private record DataInputs(Batches batches, CvaeGan model) implements CvaeGan.Inputs {
    @Override
    public Value images(int step) {
      return batches.samples(step, Generation.Range.UNIT);
    }

    @Override
    public Value classes(int step) {
      return batches.classes(step);
    }

    @Override
    public Value criticNoise(int step) {
      long width = model.latent() + (model.freeNoise() ? model.classes() : 0);
      return batches.normal(step, model.batchSize(), width);
    }

    @Override
    public Value codeNoise() {
      return batches.normal(model.batchSize(), model.latent());
    }
  }
}
