package dev.kantor.gan;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trains variants on the CPU and on the emulated CUDA device and compares the states. A program of
 * its own, since its native library is another one; {@link EmulatedDeviceTest} starts it.
 */
final class EmulatedIterations {
  private static final int ITERATIONS = 2;
  private static final long SEED = 5;
  // Of the largest element of a slot. Sums in another order differ by a few 1e-7 an update.
  private static final double TOLERANCE = 2e-5;

  private static final Map<String, String> SMALL =
      Map.of(
          "critic-hidden",
          "33,20",
          "generator-hidden",
          "24,40",
          "latent",
          "10",
          "batch-size",
          "16",
          "critic-steps",
          "2");

  private EmulatedIterations() {}

  /** Arguments: the variants. Exits with 1 and a line for the first that differs. */
  public static void main(String[] variants) throws Exception {
    ImageSet glyphs = (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(50));
    for (String variant : variants) {
      Map<String, double[]> cpu = train(variant, "cpu", 1, glyphs);
      Map<String, double[]> forward = train(variant, "cuda-emulated", 1, glyphs);
      // With two threads the emulated device runs everything in reverse.
      Map<String, double[]> reverse = train(variant, "cuda-emulated", 2, glyphs);
      for (String slot : cpu.keySet()) {
        double error = error(cpu.get(slot), forward.get(slot));
        if (!(error <= TOLERANCE)) {
          fail(variant + ": " + slot + " is off by " + error + " of its largest element");
        }
        if (!Arrays.equals(forward.get(slot), reverse.get(slot))) {
          fail(variant + ": " + slot + " has other bits when threads run in reverse");
        }
      }
      System.out.println(variant + " agrees in " + cpu.size() + " slots");
    }
  }

  private static void fail(String message) {
    System.out.println(message);
    System.exit(1);
  }

  private static double error(double[] expected, double[] actual) {
    double largest = Double.MIN_NORMAL;
    double worst = 0;
    for (double x : expected) {
      largest = Math.max(largest, Math.abs(x));
    }
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(expected[i] - actual[i]);
      worst = difference <= worst ? worst : difference; // NaN stays
    }
    return worst / largest;
  }

  private static Map<String, double[]> train(
      String variant, String device, int threads, ImageSet images) {
    Settings settings = Variant.of(variant).settings();
    for (Map.Entry<String, String> e : SMALL.entrySet()) {
      settings = settings.with(e.getKey(), e.getValue());
    }
    Samples samples =
        new Samples(images.images(), images.labels(), images.count(), images.classes());
    try (Device d = Device.open(device, threads);
        State state = new State(d);
        Learner learner =
            new Learner(
                Model.of(settings, 1, 28, 28), state, samples, SEED, Program.Options.DEFAULT)) {
      if (learner.job().iteration().run(ITERATIONS).status() != Status.OK) {
        fail(variant + ": the run on " + device + " did not end well");
      }
      Map<String, double[]> result = new LinkedHashMap<>();
      for (Slot slot : state.slots()) {
        if (slot.dtype().isFloating()) {
          result.put(slot.name(), state.doubles(slot));
        }
      }
      return result;
    }
  }
}
