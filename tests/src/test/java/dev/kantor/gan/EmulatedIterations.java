package dev.kantor.gan;

import dev.kantor.graph.Precision;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Trains variants on the CPU and on the emulated CUDA device and compares the states. A program of
 * its own, since its native library is another one; {@link EmulatedDeviceTest} starts it.
 */
final class EmulatedIterations {
  private static final int ITERATIONS = 2;
  private static final long SEED = 5;
  private static final int SIDE = 8;
  private static final int COUNT = 30;
  private static final int CLASSES = 10;

  // Of the largest element of a slot. Sums in another order differ by a few 1e-7 an update, factors
  // of tf32 by up to 2^-11 each and those of bf16 by up to 2^-8.
  private static final Map<Precision, Double> TOLERANCES =
      Map.of(Precision.FP32, 5e-5, Precision.TF32, 3e-3, Precision.BF16, 5e-2);

  // Of the largest element of the slots of its kind: a slot whose elements are smaller holds what
  // would be 0 but for rounding, such as a gradient before batch norm.
  private static final double FLOOR = 1e-2;

  /** Of those that a variant has. */
  private static final Map<String, String> SMALL =
      Map.ofEntries(
          Map.entry("critic-hidden", "33,20"),
          Map.entry("generator-hidden", "24,40"),
          Map.entry("critic-channels", "5,6"),
          Map.entry("critic-dense", "33"),
          Map.entry("generator-channels", "6,5"),
          Map.entry("encoder-channels", "4,6,5"),
          Map.entry("decoder-channels", "5,4"),
          Map.entry("latent", "10"),
          Map.entry("batch-size", "6"),
          Map.entry("critic-steps", "2"),
          // A gradient that is 0 but for rounding, that of a bias before batch norm, must not
          // become a step of the learning rate.
          Map.entry("epsilon", "1e-3"));

  /** Whose ops the persistent kernel has, as long as no layer norm is among them. */
  private static final Set<String> DENSE = Set.of("gan", "wgan", "wgan-gp");

  private EmulatedIterations() {}

  /**
   * Arguments: cases, each a precision of the emulated device, a variant, and settings: {@code
   * "fp32 wgan-gp critic-norm=layer-norm"}; {@code "fp32+cudnn ..."} with an engine. Exits with 1
   * and a line for the first that differs.
   */
  public static void main(String[] cases) {
    try (Arena arena = Arena.ofConfined()) {
      Samples samples = images(arena);
      for (String words : cases) {
        long start = System.nanoTime();
        int slots = compare(words, samples);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("%s agrees in %d slots; %.1f s%n", words, slots, seconds);
      }
    }
  }

  private static Samples images(Arena arena) {
    Random random = new Random(SEED);
    MemorySegment pixels = arena.allocate((long) COUNT * SIDE * SIDE);
    for (long i = 0; i < pixels.byteSize(); i++) {
      pixels.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
    }
    MemorySegment labels = arena.allocate(4L * COUNT, 4);
    for (int i = 0; i < COUNT; i++) {
      labels.setAtIndex(ValueLayout.JAVA_INT, i, i % CLASSES);
    }
    return new Samples(pixels, Optional.of(labels), COUNT, CLASSES);
  }

  private static int compare(String words, Samples samples) {
    String[] parts = words.split(" ", 2);
    int plus = parts[0].indexOf('+');
    String engine = plus < 0 ? "" : parts[0].substring(plus);
    String gpu = "cuda-emulated" + engine;
    Precision precision = Precision.of(plus < 0 ? parts[0] : parts[0].substring(0, plus));
    Map<String, double[]> cpu = train(parts[1], Precision.FP32, "cpu", 1, samples);
    Map<String, double[]> forward = train(parts[1], precision, gpu, 1, samples);
    // With two threads the emulated device runs everything in reverse.
    Map<String, double[]> reverse = train(parts[1], precision, gpu, 2, samples);
    if (engine.isEmpty()
        && DENSE.contains(parts[1].split(" ")[0])
        && !parts[1].contains("layer-norm")) {
      requireSameWhenPersistent(parts[1], precision, samples, forward);
    }
    double worst = 0;
    Map<String, Double> largest = new HashMap<>();
    cpu.forEach((slot, x) -> largest.merge(kind(slot), largest(x), Math::max));
    for (String slot : cpu.keySet()) {
      double scale = Math.max(largest(cpu.get(slot)), FLOOR * largest.get(kind(slot)));
      double error = difference(cpu.get(slot), forward.get(slot)) / scale;
      worst = Math.max(worst, error);
      if (!(error <= TOLERANCES.get(precision))) {
        fail(words + ": " + slot + " is off by " + error + " of its largest element");
      }
      if (!Arrays.equals(forward.get(slot), reverse.get(slot))) {
        fail(words + ": " + slot + " has other bits when threads run in reverse");
      }
    }
    if (precision != Precision.FP32 && worst <= TOLERANCES.get(Precision.FP32)) {
      fail(words + ": " + precision + " rounds nothing");
    }
    return cpu.size();
  }

  /** By one kernel for many iterations, in two runs, to the bits of the graphs. */
  private static void requireSameWhenPersistent(
      String words, Precision precision, Samples samples, Map<String, double[]> graphs) {
    Map<String, double[]> persistent =
        train(words, precision, "cuda-emulated+persistent", 1, samples);
    for (String slot : graphs.keySet()) {
      if (!Arrays.equals(graphs.get(slot), persistent.get(slot))) {
        fail(words + ": " + slot + " has other bits when one kernel runs it all");
      }
    }
  }

  private static void fail(String message) {
    System.out.println(message);
    System.exit(1);
  }

  /** "weight", "bias", or a moment. */
  private static String kind(String slot) {
    return slot.substring(slot.lastIndexOf('.') + 1);
  }

  private static double largest(double[] x) {
    return Arrays.stream(x).map(Math::abs).reduce(Double.MIN_NORMAL, Math::max);
  }

  private static double difference(double[] expected, double[] actual) {
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs(expected[i] - actual[i])); // a NaN stays
    }
    return worst;
  }

  private static Settings settings(String words) {
    String[] parts = words.split(" ");
    Settings settings = Variant.of(parts[0]).settings();
    for (Map.Entry<String, String> e : SMALL.entrySet()) {
      if (settings.values().containsKey(e.getKey())) {
        settings = settings.with(e.getKey(), e.getValue());
      }
    }
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      String[] setting = part.split("=", 2);
      settings = settings.with(setting[0], setting[1]);
    }
    return settings;
  }

  private static Map<String, double[]> train(
      String words, Precision precision, String device, int threads, Samples samples) {
    Model model = Model.of(settings(words), 1, SIDE, SIDE);
    try (Device d = Device.open(device, threads);
        State state = new State(d);
        Learner learner = new Learner(model, state, samples, SEED, Program.Options.in(precision))) {
      Program iteration = learner.job().iteration();
      boolean persistent = device.endsWith("+persistent");
      int runs = persistent ? ITERATIONS : 1;
      for (int i = 0; i < runs; i++) {
        if (iteration.run(ITERATIONS / runs).status() != Status.OK) {
          fail(words + ": the run on " + device + " did not end well");
        }
      }
      String description = iteration.describeNative();
      if (persistent != description.contains("\"executor\": \"persistent\"")) {
        fail(words + ": " + device + " is not what runs it: " + description);
      }
      if (device.endsWith("+cudnn")
          && !description.matches("(?s).*\"engineInstructions\": [1-9].*")) {
        fail(words + ": no library runs anything: " + description);
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
