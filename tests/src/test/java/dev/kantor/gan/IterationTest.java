package dev.kantor.gan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an iteration of a variant must be whatever the passes, threads, instruction set and chunks
 * of the replay.
 */
class IterationTest {
  private static ImageSet glyphs;

  @BeforeAll
  static void draw() throws IOException {
    glyphs = (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(500));
  }

  static Stream<Settings> designs() {
    return Stream.of(
        small("gan"),
        small("gan").with("generator-loss", "saturating"),
        small("wgan-gp").with("learning-rate-schedule", "linear").with("learning-rate-epochs", "1"),
        small("cvae-gan")
            .with("learning-rate-schedule", "cosine")
            .with("learning-rate-epochs", "1"),
        small("wgan"),
        small("wgan-gp"),
        small("wgan-gp").with("penalty-sides", "one").with("critic-activation", "softplus"),
        small("wgan-gp").with("critic-norm", "layer-norm").with("critic-activation", "tanh"),
        small("gan").with("objective", "hinge").with("ema", "0.9"),
        small("gan")
            .with("objective", "least-squares")
            .with("optimizer", "sgd")
            .with("learning-rate", "0.01"),
        small("gan").with("regulariser", "r1").with("init", "normal-0.02"),
        small("gan").with("regulariser", "r2").with("critic-activation", "silu"),
        small("dcgan").with("ema", "0.9"),
        small("wdcgan"),
        small("wdcgan-gp"),
        small("wdcgan-gp").with("critic-activation", "softplus"),
        small("cvae-gan").with("ema", "0.9"),
        small("cvae-gan").with("d-noise", "free").with("reconstruction", "squared-error"),
        small("classifier"),
        small("classifier")
            .with("dropout", "0.3")
            .with("diff-augment", "translation")
            .with("learning-rate-schedule", "cosine")
            .with("learning-rate-epochs", "1"),
        small("lsgan"),
        small("hinge"),
        small("dragan"),
        small("wgan-lp"),
        small("r3gan").with("diff-augment", "color,translation,cutout"),
        small("wgan-gp").with("diff-augment", "translation"),
        small("gan").with("objective", "hinge").with("critic-norm", "spectral-norm"));
  }

  private static final Map<String, String> SMALL =
      Map.of(
          "critic-hidden",
          "33,20",
          "generator-hidden",
          "24,40",
          "critic-channels",
          "3,5",
          "critic-dense",
          "18",
          "generator-channels",
          "6,4",
          "encoder-channels",
          "3,5,4",
          "decoder-channels",
          "5,3",
          "latent",
          "10",
          "batch-size",
          "16",
          "critic-steps",
          "2");

  // One for which no two values of a pooling window, or on either side of a kink, are so close that
  // rounding decides between them: there the gradient jumps.
  private static final long SEED = 5;

  /** A variant with small networks. */
  private static Settings small(String variant) {
    Settings s = Variant.of(variant).settings();
    for (Map.Entry<String, String> e : SMALL.entrySet()) {
      s = s.has(e.getKey()) ? s.with(e.getKey(), e.getValue()) : s;
    }
    return s;
  }

  private static Samples samples() {
    return new Samples(glyphs.images(), glyphs.labels(), glyphs.count(), glyphs.classes());
  }

  /** The training state after some iterations, run in chunks. */
  private static Map<String, double[]> train(
      Settings settings, String device, int threads, Program.Options options, int... chunks) {
    try (Device d = Device.open(device, threads);
        State state = new State(d);
        Learner learner =
            new Learner(Model.of(settings, 1, 28, 28), state, samples(), SEED, options)) {
      for (int n : chunks) {
        assertEquals(Status.OK, learner.job().iteration().run(n).status());
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

  private static void assertSameBits(Map<String, double[]> a, Map<String, double[]> b) {
    assertEquals(a.keySet(), b.keySet());
    a.forEach((name, values) -> assertArrayEquals(values, b.get(name), name));
  }

  private static List<String> devices() {
    List<String> names = new ArrayList<>();
    for (String name : List.of("cpu-portable", "cpu-avx2", "cpu-avx512")) {
      try (Device d = Device.open(name, 1)) {
        names.add(d.name());
      } catch (KantorException e) {
        assertEquals(Status.UNSUPPORTED, e.status());
      }
    }
    return names;
  }

  @ParameterizedTest
  @MethodSource("designs")
  void threadsAndChunksChangeNothing(Settings settings) {
    for (String device : devices()) {
      Map<String, double[]> one = train(settings, device, 1, Program.Options.DEFAULT, 7);
      assertSameBits(one, train(settings, device, 2, Program.Options.DEFAULT, 7));
      assertSameBits(one, train(settings, device, 3, Program.Options.DEFAULT, 1, 4, 2));
    }
  }

  @ParameterizedTest
  @MethodSource("designs")
  void passesKeepTheResults(Settings settings) {
    // Plain programs on the reference device against fully optimised ones on the CPU.
    Map<String, double[]> plain =
        train(settings, "reference", 1, new Program.Options(false, false), 2);
    Map<String, double[]> merged =
        train(settings, "reference", 1, new Program.Options(true, false), 2);
    Map<String, double[]> fused =
        train(settings, "reference", 1, new Program.Options(false, true), 2);
    Map<String, double[]> all = train(settings, "cpu", 2, Program.Options.DEFAULT, 2);
    for (String name : plain.keySet()) {
      if (FEEDS_BATCH_NORM.matcher(name).lookingAt()) {
        continue;
      }
      assertClose(name, plain.get(name), merged.get(name));
      assertClose(name, plain.get(name), fused.get(name));
      assertClose(name, plain.get(name), all.get(name));
    }
  }

  // Biases that batch norm takes out again, and the running means that they shift. Their gradient
  // is
  // zero but for rounding, which Adam and RMSprop divide by its own size.
  private static final Pattern FEEDS_BATCH_NORM =
      Pattern.compile(
          "(generator\\.[47]|encoder\\.[036])\\.bias"
              + "|(generator\\.[58]|encoder\\.[147])\\.running_mean");

  private static void assertClose(String name, double[] expected, double[] actual) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (expected[i] - actual[i]) * (expected[i] - actual[i]);
      norm += expected[i] * expected[i];
    }
    // Biases and second moments start near zero, where one rounding shows: an absolute floor beside
    // the relative bound.
    double error = Math.sqrt(difference);
    double bound = 2e-4 * Math.sqrt(norm) + 1e-6;
    assertTrue(error <= bound, () -> name + " differs by " + error + ", bound " + bound);
  }

  @Test
  void aGradientPenaltyCostsOneTangentPassAndWeightGradients() {
    // Work of an iteration at batch 64, counted by hand: forward and backward of both networks, no
    // gradient that nobody asked for.
    Map<String, Double> gflop = Map.of("gan", 0.37, "wgan", 0.37, "wgan-gp", 0.50);
    gflop.forEach(
        (variant, expected) -> {
          try (Device d = Device.open("cpu", 1);
              State state = new State(d);
              Learner learner =
                  new Learner(
                      Model.of(Variant.of(variant).settings().with("critic-steps", "1"), 1, 28, 28),
                      state,
                      samples(),
                      3,
                      Program.Options.DEFAULT)) {
            double ours = learner.job().iteration().flops() / 1e9;
            assertTrue(
                ours < expected * 1.04,
                variant + " takes " + ours + " GFLOP an iteration, expected about " + expected);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"gan", "wgan-gp"})
  void aFaultKeepsTheLastGoodState(String variant) {
    Settings wild = small(variant).with("learning-rate", "1e30");
    try (Device d = Device.open("cpu", 2);
        State state = new State(d);
        Learner learner =
            new Learner(
                Model.of(wild, 1, 28, 28), state, samples(), SEED, Program.Options.DEFAULT)) {
      var result = learner.job().iteration().run(1000);
      assertEquals(Status.FAULT, result.status());
      long[] fault = state.longs(learner.job().fault());
      assertEquals(1, fault[0]);
      assertTrue(fault[1] >= 0 && fault[1] < learner.job().tensors().size());
      assertEquals(result.completed(), fault[2]);
      assertEquals(fault[2], state.longs(learner.job().counter())[0]);
      for (Slot slot : state.slots()) {
        if (slot.dtype().isFloating() && !slot.name().equals("metrics")) {
          for (double v : state.doubles(slot)) {
            assertTrue(Double.isFinite(v), slot.name() + " holds " + v);
          }
        }
      }
    }
  }

  @Test
  void nothingGrowsOverAThousandIterations() throws IOException {
    try (Device d = Device.open("cpu", 2);
        State state = new State(d);
        Learner learner =
            new Learner(
                Model.of(small("wgan-gp"), 1, 28, 28),
                state,
                samples(),
                3,
                Program.Options.DEFAULT)) {
      for (int i = 0; i < 200; i++) {
        learner.job().iteration().run(1);
      }
      var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
      System.gc();
      long resident = resident();
      long allocated = threads.getCurrentThreadAllocatedBytes();
      learner.job().iteration().run(1000);
      long inOneCall = threads.getCurrentThreadAllocatedBytes() - allocated;
      allocated = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        learner.job().iteration().run(1);
      }
      long inCalls = threads.getCurrentThreadAllocatedBytes() - allocated;
      assertTrue(
          inOneCall < 1024,
          "a replay of 1,000 iterations allocated " + inOneCall + " bytes on the heap");
      assertTrue(inCalls < 1000 * 512, "1,000 calls allocated " + inCalls + " bytes on the heap");
      long grown = resident() - resident;
      assertTrue(grown < 8 << 20, "resident memory grew by " + grown + " bytes");
    }
  }

  /** Resident memory of this process in bytes. */
  private static long resident() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("no VmRSS in /proc/self/status");
  }

  @Test
  void aBatchLargerThanTheDataSaysSo() {
    Settings s = small("gan").with("batch-size", "501");
    try (Device d = Device.open("cpu", 1);
        State state = new State(d)) {
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  new Learner(
                      Model.of(s, 1, 28, 28), state, samples(), SEED, Program.Options.DEFAULT));
      assertTrue(
          e.getMessage().contains("501") && e.getMessage().contains("batch-size"), e.getMessage());
    }
  }

  @Test
  void samplingDoesNotTouchTraining() {
    Settings s = small("wgan-gp");
    Map<String, double[]> undisturbed = train(s, "cpu", 2, Program.Options.DEFAULT, 4);
    try (Device d = Device.open("cpu", 2);
        State state = new State(d);
        Learner learner =
            new Learner(Model.of(s, 1, 28, 28), state, samples(), SEED, Program.Options.DEFAULT);
        Sampler sampler =
            new Sampler(Model.of(s, 1, 28, 28).generation().orElseThrow(), state, 5, 9)) {
      float[] before = sampler.batch(0);
      learner.job().iteration().run(2);
      sampler.batch(1);
      learner.job().iteration().run(2);
      float[] after = sampler.batch(0);
      assertArrayEquals(after, sampler.batch(0));
      assertTrue(!java.util.Arrays.equals(before, after), "training must change the samples");
      undisturbed.forEach(
          (name, values) -> assertArrayEquals(values, state.doubles(state.slot(name)), name));
    }
  }
}
