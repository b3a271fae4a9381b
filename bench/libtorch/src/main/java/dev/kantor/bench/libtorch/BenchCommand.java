package dev.kantor.bench.libtorch;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Times the variants at the specification's widths, float32, on a drawn set of 60,000 images of
 * 28x28 bytes (strokes on black: a fifth of the pixels is not zero, as in MNIST).
 *
 * <p>An iteration is {@code critic-steps} critic updates and one generator update. It gathers its
 * batches from the bytes in a shuffled order and scales them, draws its noise, and reads no loss
 * back. The result is that of {@link Stopwatch}; for sampling the same of a batch, and {@code
 * imagesPerSecond} (from the median) and {@code peakImagesPerSecond} (from the minimum).
 */
final class BenchCommand {
  private static final int IMAGES = 60_000;
  private static final int SIDE = Networks.SIDE;
  private static final int LATENT = Networks.LATENT;
  private static final int STROKES = 3;

  private BenchCommand() {}

  static Map<String, Object> train(Options options) throws IOException {
    Settings settings = Settings.of(options);
    int batch = options.count("batch-size", 64);
    int criticSteps = options.count("critic-steps", 1);
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("variant", settings.variant().label);
    result.put("batchSize", batch);
    result.put("criticSteps", criticSteps);
    result.putAll(
        Stopwatch.time(
            options,
            settings.variant() == Variant.CVAE_GAN
                ? cvaeIteration(settings, options, batch)
                : iteration(settings, batch, criticSteps)));
    return result;
  }

  private static Runnable iteration(Settings settings, int batch, int criticSteps) {
    Map<String, Tensor> initial = Networks.initial(settings.variant(), ScalarType.Float);
    Training training =
        new Training(
            settings,
            Networks.generator(settings.variant(), initial),
            Networks.critic(settings, initial));
    Batches batches = new Batches(images(), batch);
    boolean penalised = settings.variant().penalised();
    return () -> {
      for (int i = 0; i < criticSteps; i++) {
        Tensor real = Batches.signed(batches.next());
        training.criticStep(real, torch.randn(batch, LATENT), penalised ? torch.rand(batch) : null);
      }
      training.generatorStep(torch.randn(batch, LATENT));
    };
  }

  private static Runnable cvaeIteration(Settings settings, Options options, int batch) {
    CvaeTraining training =
        new CvaeTraining(
            settings,
            CvaeTraining.Weights.of(options),
            Networks.initialAutoencoder(ScalarType.Float));
    Batches batches = new Batches(images(), batch);
    return () -> {
      Tensor real = Batches.unsigned(batches.next());
      training.iteration(
          real, oneHot(batch), torch.randn(batch, LATENT), torch.randn(batch, LATENT));
    };
  }

  /** Random classes [B, classes]; which ones, no time depends on. */
  private static Tensor oneHot(int batch) {
    Tensor labels =
        torch.randint(Networks.CLASSES, new long[] {batch}, new TensorOptions(ScalarType.Long));
    return torch.one_hot(labels, Networks.CLASSES).to(ScalarType.Float);
  }

  static Map<String, Object> sample(Options options) throws IOException {
    int batch = options.count("batch-size", 64);
    Variant variant = Variant.of(options.text("variant"));
    boolean conditional = variant == Variant.CVAE_GAN;
    Network generator =
        conditional
            ? Networks.decoder(Networks.initialAutoencoder(ScalarType.Float))
            : Networks.generator(variant, Networks.initial(variant, ScalarType.Float));
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("variant", variant.label);
    result.put("batchSize", batch);
    try (var _ = new InferenceMode(true)) {
      result.putAll(
          Stopwatch.time(
              options,
              () -> {
                Tensor z = torch.randn(batch, LATENT);
                generator.evaluate(
                    conditional ? torch.cat(new TensorVector(z, oneHot(batch)), 1) : z);
              }));
    }
    for (String[] pair :
        new String[][] {{"imagesPerSecond", "medianMs"}, {"peakImagesPerSecond", "minMs"}}) {
      result.put(pair[0], batch * Stopwatch.MS_PER_SECOND / (double) result.get(pair[1]));
    }
    return result;
  }

  /** Batches of images, each image once an epoch, in an order drawn anew for each. */
  private static final class Batches {
    private static final Scalar SIGNED = new Scalar(1 / 127.5);
    private static final Scalar UNSIGNED = new Scalar(1.0 / 255);
    private static final Scalar ONE = new Scalar(1);

    private final Tensor images;
    private final int batch;
    private final Tensor order =
        torch.arange(new Scalar(IMAGES), new TensorOptions(ScalarType.Long));
    private long next = IMAGES;

    Batches(Tensor images, int batch) {
      this.images = images;
      this.batch = batch;
    }

    Tensor next() {
      if (next + batch > IMAGES) {
        order.copy_(torch.randperm(IMAGES));
        next = 0;
      }
      Tensor rows = order.narrow(0, next, batch);
      next += batch;
      return torch.index_select(images, 0, rows).to(ScalarType.Float);
    }

    /** Bytes to [-1, 1], in place. */
    static Tensor signed(Tensor bytes) {
      return bytes.mul_(SIGNED).sub_(ONE);
    }

    /** Bytes to [0, 1], in place. */
    static Tensor unsigned(Tensor bytes) {
      return bytes.mul_(UNSIGNED);
    }
  }

  /**
   * [60000, 784] bytes: strokes three pixels wide and eighteen long, across or down, anywhere, of
   * any brightness.
   */
  private static Tensor images() {
    Tensor images =
        torch.zeros(new long[] {IMAGES, SIDE * SIDE}, new TensorOptions(ScalarType.Byte));
    byte[] pixels = new byte[IMAGES * SIDE * SIDE];
    SplittableRandom random = new SplittableRandom(1);
    for (int image = 0; image < IMAGES; image++) {
      for (int stroke = 0; stroke < STROKES; stroke++) {
        boolean across = random.nextBoolean();
        int width = across ? 18 : 3;
        int height = across ? 3 : 18;
        int left = random.nextInt(SIDE - width);
        int top = random.nextInt(SIDE - height);
        for (int y = top; y < top + height; y++) {
          int begin = (image * SIDE + y) * SIDE + left;
          Arrays.fill(pixels, begin, begin + width, (byte) random.nextInt(128, 256));
        }
      }
    }
    new BytePointer(images.data_ptr()).put(pixels, 0, pixels.length);
    return images;
  }
}
