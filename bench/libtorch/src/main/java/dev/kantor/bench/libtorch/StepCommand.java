package dev.kantor.bench.libtorch;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Trains an MLP variant for n iterations of k critic updates on inputs that the caller chose, so
 * that another implementation can be held to the result.
 *
 * <p>{@code --in} has the parameters {@code generator.0.weight} [out, in], {@code generator.0.bias}
 * [out], {@code generator.2...}, {@code critic.0...} and so on, of any widths and depth; {@code
 * real} [n*k, B, pixels], already scaled; {@code z_critic} [n*k, B, latent]; {@code z_generator}
 * [n, B, latent]; for wgan-gp {@code alpha} [n*k, B]. Critic update j of iteration i reads row i*k
 * + j.
 *
 * <p>{@code --out} gets {@code critic_loss} [n*k] and {@code generator_loss} [n], the losses that
 * were differentiated; for wgan-gp {@code critic_penalty} [n*k], without its weight; {@code
 * gradient.NAME} of every parameter at the first update of its network; and the parameters after
 * the last iteration under their own names. All in {@code --dtype} (float32).
 */
final class StepCommand {
  private StepCommand() {}

  static Map<String, Object> run(Options options) throws IOException {
    Settings settings = Settings.of(options);
    ScalarType type = Main.type(options, "float32");
    TensorFile in = TensorFile.read(options.path("in"));
    TensorFile out = run(settings, type, in);
    out.write(options.path("out"));
    long iterations = out.get("generator_loss").size(0);
    return Map.of(
        "variant",
        settings.variant().label,
        "iterations",
        iterations,
        "criticSteps",
        out.get("critic_loss").size(0) / iterations);
  }

  static TensorFile run(Settings settings, ScalarType type, TensorFile in) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    in.tensors().forEach((name, tensor) -> inputs.put(name, tensor.to(type)));
    TensorFile typed = new TensorFile(inputs, in.metadata());
    Tensor real = typed.get("real");
    Tensor criticNoise = typed.get("z_critic");
    Tensor generatorNoise = typed.get("z_generator");
    boolean penalised = settings.variant() == Variant.WGAN_GP;
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

    Mlp generator = Mlp.generator(inputs);
    Mlp critic = Mlp.critic(inputs);
    Training training = new Training(settings, generator, critic);
    List<Tensor> criticLosses = new ArrayList<>();
    List<Tensor> penalties = new ArrayList<>();
    List<Tensor> generatorLosses = new ArrayList<>();
    Map<String, Tensor> results = new LinkedHashMap<>();
    for (long i = 0, j = 0; i < iterations; i++) {
      for (; j < (i + 1) * updates / iterations; j++) {
        Training.Update update =
            training.criticStep(
                real.select(0, j), criticNoise.select(0, j), penalised ? alpha.select(0, j) : null);
        criticLosses.add(update.loss().detach());
        if (penalised) {
          penalties.add(update.penalty().detach());
        }
        if (j == 0) {
          putGradients(results, critic, update.gradients());
        }
      }
      Training.Update update = training.generatorStep(generatorNoise.select(0, i));
      generatorLosses.add(update.loss().detach());
      if (i == 0) {
        putGradients(results, generator, update.gradients());
      }
    }
    results.put("critic_loss", stack(criticLosses));
    if (penalised) {
      results.put("critic_penalty", stack(penalties));
    }
    results.put("generator_loss", stack(generatorLosses));
    training.putParameters(results);
    return new TensorFile(results, Map.of());
  }

  private static void putGradients(
      Map<String, Tensor> results, Mlp network, TensorVector gradients) {
    int index = 0;
    for (String name : network.parameters().keySet()) {
      results.put("gradient." + name, gradients.get(index++));
    }
  }

  private static Tensor stack(List<Tensor> scalars) {
    return torch.stack(new TensorVector(scalars.toArray(Tensor[]::new)));
  }

  private static void requireLength(String name, Tensor tensor, long length) {
    if (tensor.size(0) != length) {
      throw new IllegalArgumentException(
          name + " has " + tensor.size(0) + " batches, real has " + length);
    }
  }
}
