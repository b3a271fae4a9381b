package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.gan.CvaeGan;
import dev.kantor.gan.CvaeUpdates;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nativelib.Status;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.parity.Libtorch.Tensor;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training of cvae-gan, classifier, critic and autoencoder, from the same weights, noise, images
 * and classes: Kantor against libtorch, as {@link ConvParityTest}.
 */
class CvaeParityTest {
  /** In double precision the constants of the program are still rounded to float. */
  private static final double DOUBLE_TOLERANCE = 5e-6;

  private static final double DOUBLE_FLOOR = 0x1p-53;

  /** The encoder's convolutions' biases, which batch norm takes out again: without a gradient. */
  private static final String WITHOUT_GRADIENT = "(gradient\\.)?encoder\\.[036]\\.bias";

  private static final List<String> INPUTS = List.of("real", "classes", "z_critic", "z_code");

  @BeforeAll
  static void needsLibtorch() {
    Libtorch.assume();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bce", "squared-error"})
  void twentyIterationsAgreeInDoublePrecision(String reconstruction, TestReporter reporter)
      throws IOException {
    CvaeGan model =
        model(
            8,
            "latent=5 encoder-channels=3,4,5 decoder-channels=4,3 critic-channels=3,4"
                + " critic-dense=11 classes=4 batch-size=6 reconstruction="
                + reconstruction);
    List<Map<String, Tensor>> draws = draws(model, 64, 20, 2);
    List<Map<String, double[]>> exact =
        Runs.oracle(draws, "cvae-gan", "float64", "--reconstruction", reconstruction);
    Differences differences = new Differences();
    try (Device reference = Device.open("reference", 1)) {
      for (int i = 0; i < draws.size(); i++) {
        Map<String, double[]> got = run(model, reference, draws.get(i));
        Map<String, double[]> expected = exact.get(i);
        expected.keySet().removeIf(name -> name.startsWith("gradient."));
        assertEquals(expected.keySet(), got.keySet());
        String draw = "draw " + i + ", ";
        got.forEach(
            (name, numbers) -> {
              if (!name.matches(WITHOUT_GRADIENT)) {
                differences.add(
                    draw + name,
                    numbers,
                    expected.get(name),
                    DOUBLE_TOLERANCE,
                    numbers.length == 1 ? DOUBLE_FLOOR : 0);
              }
            });
      }
    }
    reporter.publishEntry(reconstruction, differences.largest());
    assertTrue(differences.isEmpty(), differences::report);
  }

  /** Gradients of all networks, losses and running statistics, at full size. */
  @Test
  void aFirstIterationIsAsNearAsLibtorch(TestReporter reporter) throws IOException {
    CvaeGan model = model(28, "batch-size=8");
    List<Map<String, Tensor>> draws = draws(model, 784, 1, 3);
    List<Map<String, double[]>> exact = Runs.oracle(draws, "cvae-gan", "float64");
    List<Map<String, double[]>> floats = Runs.oracle(draws, "cvae-gan", "float32");
    for (String name : InstructionSets.here()) {
      List<Map<String, double[]>> ours = new ArrayList<>();
      try (Device device = Device.open(name, 2)) {
        for (Map<String, Tensor> draw : draws) {
          Map<String, double[]> got = new LinkedHashMap<>();
          runWithMoments(model, device, draw)
              .forEach(
                  (tensor, numbers) -> {
                    if (tensor.endsWith(".m")) {
                      // Adam's first moment after one step from nothing, its decay being a half.
                      String of = tensor.substring(0, tensor.length() - 2);
                      got.put("gradient." + of, Arrays.stream(numbers).map(m -> 2 * m).toArray());
                    } else if (tensor.matches(".*(_loss|divergence|running_.*)")) {
                      got.put(tensor, numbers);
                    }
                  });
          got.keySet().removeIf(tensor -> tensor.matches(WITHOUT_GRADIENT));
          ours.add(got);
        }
      }
      Gap.assertNear(name, ours, floats, exact, reporter);
    }
  }

  /** Settings are words {@code name=value}. */
  private static CvaeGan model(long side, String settings) {
    Settings s = Variant.of("cvae-gan").settings();
    for (String word : settings.split(" ")) {
      String[] parts = word.split("=", 2);
      s = s.with(parts[0], parts[1]);
    }
    return CvaeGan.of(s, 1, side, side);
  }

  private static List<Map<String, Tensor>> draws(
      CvaeGan model, long features, int iterations, int count) {
    return LongStream.range(0, count)
        .mapToObj(seed -> draw(model, features, iterations, seed))
        .toList();
  }

  private static Map<String, Tensor> draw(CvaeGan model, long features, int iterations, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> in =
        Runs.drawState(
            random,
            modules(model).flatMap(m -> m.parameters().stream()).toList(),
            modules(model).flatMap(m -> m.buffers().stream()).toList());
    long batch = model.batchSize();
    in.put("real", Runs.tensor(random::nextDouble, iterations, batch, features));
    in.put("z_critic", Runs.tensor(random::nextGaussian, iterations, batch, model.latent()));
    in.put("z_code", Runs.tensor(random::nextGaussian, iterations, batch, model.latent()));
    int classes = (int) model.classes();
    float[] oneHot = new float[(int) (iterations * batch * classes)];
    for (int row = 0; row < iterations * batch; row++) {
      oneHot[row * classes + random.nextInt(classes)] = 1;
    }
    in.put("classes", new Tensor(oneHot, iterations, batch, classes));
    return in;
  }

  private static Stream<Module> modules(CvaeGan model) {
    return Stream.concat(
        model.encoder().parts().stream(),
        Stream.of(model.decoder(), model.critic(), model.classifier()));
  }

  /** Losses of every iteration, then parameters and buffers after the last. */
  private static Map<String, double[]> run(CvaeGan model, Device device, Map<String, Tensor> in) {
    Map<String, double[]> all = runWithMoments(model, device, in);
    all.keySet().removeIf(name -> !in.containsKey(name) && !name.matches(".*_loss|divergence"));
    return all;
  }

  private static Map<String, double[]> runWithMoments(
      CvaeGan model, Device device, Map<String, Tensor> in) {
    int iterations = (int) in.get("real").dims()[0];
    try (State state = new State(device, device.name().equals("reference"))) {
      Map<String, Slot> inputs = new LinkedHashMap<>();
      for (String name : INPUTS) {
        long[] dims = in.get(name).dims();
        inputs.put(name, state.add(Slot.f32("input." + name, dims[1], dims[2])));
      }
      CvaeUpdates updates = model.bind(state);
      modules(model)
          .flatMap(m -> Stream.concat(m.parameters().stream(), m.buffers().stream()))
          .map(Parameter::slot)
          .forEach(slot -> state.set(slot, in.get(slot.name()).contents()));
      Slot fault = state.add(new Slot("fault", DType.I64, Shape.of(4)));
      Slot counter = state.add(Slot.counter("iteration"));
      int width = CvaeUpdates.METRICS.size();
      Slot ring = state.add(Slot.f32("metrics", iterations, width));
      Trace.Body iteration =
          t -> {
            t.faultSlot(fault);
            t.ringWrite(ring, counter, updates.traceIteration(t, reading(t, inputs), counter));
            t.increment(counter, 1);
          };
      try (Program program = Program.compile(Trace.of(iteration), state)) {
        for (int i = 0; i < iterations; i++) {
          for (String name : INPUTS) {
            Slot slot = inputs.get(name);
            int size = (int) slot.shape().count();
            state.set(slot, Arrays.copyOfRange(in.get(name).contents(), i * size, (i + 1) * size));
          }
          assertEquals(Status.OK, program.run(1).status());
        }
      }
      Map<String, double[]> result = new LinkedHashMap<>();
      state.slots().stream()
          .filter(s -> s.dtype().isFloating())
          .forEach(s -> result.put(s.name(), state.doubles(s)));
      double[] rows = state.doubles(ring);
      for (int m = 0; m < width; m++) {
        int column = m;
        result.put(
            CvaeUpdates.METRICS.get(m),
            IntStream.range(0, iterations).mapToDouble(i -> rows[i * width + column]).toArray());
      }
      return result;
    }
  }

  private static CvaeGan.Inputs reading(Trace t, Map<String, Slot> inputs) {
    return new CvaeGan.Inputs() {
      @Override
      public Value images(int step) {
        return t.read(inputs.get("real"));
      }

      @Override
      public Value classes(int step) {
        return t.read(inputs.get("classes"));
      }

      @Override
      public Value criticNoise(int step) {
        return t.read(inputs.get("z_critic"));
      }

      @Override
      public Value codeNoise() {
        return t.read(inputs.get("z_code"));
      }
    };
  }
}
