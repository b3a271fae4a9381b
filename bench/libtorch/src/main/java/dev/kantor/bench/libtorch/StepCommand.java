package dev.kantor.bench.libtorch;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Trains a variant for n iterations of k critic updates on inputs that the caller chose, so that
 * another implementation can be held to the result.
 *
 * <p>{@code --in} has the parameters and running statistics of {@link Networks}, {@code
 * generator.0.weight} [out, in], {@code generator.0.bias} [out], ..., {@code critic.0.weight} and
 * so on, of any widths, multilayer perceptrons of any depth; {@code real} [n*k, B, pixels], already
 * scaled; {@code z_critic} [n*k, B, latent]; {@code z_generator} [n, B, latent]; with a gradient
 * penalty {@code alpha} [n*k, B]. Critic update j of iteration i reads row i*k + j.
 *
 * <p>{@code --out} gets {@code critic_loss} [n*k] and {@code generator_loss} [n], the losses that
 * were differentiated; with a gradient penalty {@code critic_penalty} [n*k], without its weight;
 * {@code gradient.NAME} of every parameter at the first update of its network; and the parameters
 * and running statistics after the last iteration under their own names. All in {@code --dtype}
 * (float32).
 *
 * <p>cvae-gan takes the tensors of {@link CvaeTraining}, of one batch an iteration: {@code real},
 * {@code classes} [n, B, classes] (one-hot), {@code z_critic}, {@code z_code} [n, B, latent]; and
 * gives its losses by their names.
 *
 * <p>Names may begin with {@code RUN/}: then each run is trained apart, and its results' names
 * begin so as well.
 */
final class StepCommand {
  private StepCommand() {}

  static Map<String, Object> run(Options options) throws IOException {
    Settings settings = Settings.of(options);
    CvaeTraining.Weights weights = CvaeTraining.Weights.of(options);
    ScalarType type = Main.type(options, "float32");
    TensorFile in = TensorFile.read(options.path("in"));
    Map<String, Map<String, Tensor>> runs = new LinkedHashMap<>();
    in.tensors()
        .forEach(
            (name, tensor) -> {
              int begin = name.lastIndexOf('/') + 1;
              runs.computeIfAbsent(name.substring(0, begin), _ -> new LinkedHashMap<>())
                  .put(name.substring(begin), tensor);
            });
    Map<String, Tensor> results = new LinkedHashMap<>();
    runs.forEach(
        (run, tensors) ->
            run(settings, weights, type, new TensorFile(tensors, Map.of()))
                .tensors()
                .forEach((name, tensor) -> results.put(run + name, tensor)));
    new TensorFile(results, Map.of()).write(options.path("out"));
    return Map.of("variant", settings.variant().label, "runs", runs.size());
  }

  private static TensorFile run(
      Settings settings, CvaeTraining.Weights weights, ScalarType type, TensorFile in) {
    return settings.variant() == Variant.CVAE_GAN
        ? runCvae(settings, weights, type, in)
        : run(settings, type, in);
  }

  private static TensorFile runCvae(
      Settings settings, CvaeTraining.Weights weights, ScalarType type, TensorFile in) {
    TensorFile typed = typed(in, type);
    CvaeTraining training = new CvaeTraining(settings, weights, typed.tensors());
    Map<String, List<Double>> losses = new LinkedHashMap<>();
    Map<String, Tensor> results = new LinkedHashMap<>();
    for (long i = 0; i < typed.get("z_code").size(0); i++) {
      try (var _ = new PointerScope()) {
        CvaeTraining.Update update =
            training.iteration(
                typed.get("real").select(0, i),
                typed.get("classes").select(0, i),
                typed.get("z_critic").select(0, i),
                typed.get("z_code").select(0, i));
        update
            .losses()
            .forEach(
                (name, loss) ->
                    losses.computeIfAbsent(name, _ -> new ArrayList<>()).add(loss.item_double()));
        if (i == 0) {
          update.gradients().forEach((name, g) -> results.put("gradient." + name, g.detach()));
          results.values().forEach(Tensor::retainReference); // they outlive the scope
        }
      }
    }
    losses.forEach((name, numbers) -> results.put(name, vector(numbers, type)));
    training.putState(results);
    return new TensorFile(results, Map.of());
  }

  private static TensorFile typed(TensorFile in, ScalarType type) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    in.tensors().forEach((name, tensor) -> tensors.put(name, tensor.to(type)));
    return new TensorFile(tensors, in.metadata());
  }

  static TensorFile run(Settings settings, ScalarType type, TensorFile in) {
    TensorFile typed = typed(in, type);
    Map<String, Tensor> inputs = typed.tensors();
    Tensor real = typed.get("real");
    Tensor criticNoise = typed.get("z_critic");
    Tensor generatorNoise = typed.get("z_generator");
    boolean penalised = settings.variant().penalised();
    Tensor alpha = penalised ? typed.get("alpha") : null;
    long iterations = generatorNoise.size(0);
    long updates = real.size(0);
    if (iterations == 0 || updates == 0 || updates % iterations != 0) {
      throw new IllegalArgumentException(
          "real has "
              + updates
              + " batches, not a multiple of the "
              + iterations
              + " of z_generator");
    }
    requireLength("z_critic", criticNoise, updates);
    if (penalised) {
      requireLength("alpha", alpha, updates);
    }

    Network generator = Networks.generator(settings.variant(), inputs);
    Network critic = Networks.critic(settings, inputs);
    Training training = new Training(settings, generator, critic);
    List<Double> criticLosses = new ArrayList<>();
    List<Double> penalties = new ArrayList<>();
    List<Double> generatorLosses = new ArrayList<>();
    Map<String, Tensor> results = new LinkedHashMap<>();
    for (long i = 0, j = 0; i < iterations; i++) {
      try (var _ = new PointerScope()) {
        for (; j < (i + 1) * updates / iterations; j++) {
          Training.Update update =
              training.criticStep(
                  real.select(0, j),
                  criticNoise.select(0, j),
                  penalised ? alpha.select(0, j) : null);
          criticLosses.add(update.loss().item_double());
          if (penalised) {
            penalties.add(update.penalty().item_double());
          }
          if (j == 0) {
            putGradients(results, critic, update.gradients());
          }
        }
        Training.Update update = training.generatorStep(generatorNoise.select(0, i));
        generatorLosses.add(update.loss().item_double());
        if (i == 0) {
          putGradients(results, generator, update.gradients());
          results.values().forEach(Tensor::retainReference); // they outlive the scope
        }
      }
    }
    results.put("critic_loss", vector(criticLosses, type));
    if (penalised) {
      results.put("critic_penalty", vector(penalties, type));
    }
    results.put("generator_loss", vector(generatorLosses, type));
    training.putState(results);
    return new TensorFile(results, Map.of());
  }

  private static void putGradients(
      Map<String, Tensor> results, Network network, TensorVector gradients) {
    int index = 0;
    for (String name : network.parameters().keySet()) {
      results.put("gradient." + name, gradients.get(index++).detach());
    }
  }

  private static Tensor vector(List<Double> numbers, ScalarType type) {
    return Tensor.create(numbers.stream().mapToDouble(Double::doubleValue).toArray()).to(type);
  }

  private static void requireLength(String name, Tensor tensor, long length) {
    if (tensor.size(0) != length) {
      throw new IllegalArgumentException(
          name + " has " + tensor.size(0) + " batches, real has " + length);
    }
  }
}
