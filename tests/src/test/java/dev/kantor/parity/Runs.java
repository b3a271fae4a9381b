package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.kantor.gan.Design;
import dev.kantor.gan.Inputs;
import dev.kantor.gan.Regulariser;
import dev.kantor.gan.Updates;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nativelib.Status;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.optim.Optimizer;
import dev.kantor.parity.Libtorch.Tensor;
import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Kantor's iterations on given weights, batches and noise, with results under the oracle's names.
 */
final class Runs {
  private static final double SPREAD = 0.25;

  private Runs() {}

  /** Parameters, buffers, batches and noise. */
  static Map<String, Tensor> draw(Design design, long features, int iterations, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> in = drawState(random, parameters(design), buffers(design));
    long batch = design.batchSize();
    long updates = iterations * (long) design.criticSteps();
    in.put("real", tensor(() -> 2 * random.nextDouble() - 1, updates, batch, features));
    in.put("z_critic", tensor(random::nextGaussian, updates, batch, design.latent()));
    in.put("z_generator", tensor(random::nextGaussian, iterations, batch, design.latent()));
    in.put("alpha", tensor(random::nextDouble, updates, batch));
    return in;
  }

  /**
   * The oracle's results of a variant, one map a draw, from one process.
   *
   * @param options of its step command
   */
  static List<Map<String, double[]>> oracle(
      List<Map<String, Tensor>> draws, String variant, String precision, String... options)
      throws IOException {
    Map<String, Tensor> in = new LinkedHashMap<>();
    for (int i = 0; i < draws.size(); i++) {
      String run = i + "/";
      draws.get(i).forEach((name, tensor) -> in.put(run + name, tensor));
    }
    List<String> command =
        new ArrayList<>(List.of("step", "--variant", variant, "--dtype", precision));
    command.addAll(List.of(options));
    List<Map<String, double[]>> results = new ArrayList<>();
    draws.forEach(_ -> results.add(new HashMap<>()));
    Libtorch.run(in, Map.of(), command.toArray(String[]::new))
        .forEach(
            (name, numbers) -> {
              int slash = name.indexOf('/');
              results
                  .get(Integer.parseInt(name.substring(0, slash)))
                  .put(name.substring(slash + 1), numbers);
            });
    return results;
  }

  /** Norms get weights about 1 and biases about 0, so that both take part. */
  static Map<String, Tensor> drawState(
      Random random, List<Parameter> parameters, List<Parameter> buffers) {
    Map<String, Tensor> in = new LinkedHashMap<>();
    for (Parameter p : parameters) {
      Supplier<Double> numbers =
          switch (p.initial()) {
            case Parameter.Initial.Uniform(double bound) ->
                () -> bound * (2 * random.nextDouble() - 1);
            case Parameter.Initial.Normal(double deviation) ->
                () -> deviation * random.nextGaussian();
            case Parameter.Initial.Constant(double value) ->
                () -> value + SPREAD * (2 * random.nextDouble() - 1);
          };
      in.put(p.slot().name(), tensor(numbers, p.slot().shape().dims()));
    }
    for (Parameter p : buffers) {
      double value = ((Parameter.Initial.Constant) p.initial()).value();
      in.put(p.slot().name(), tensor(() -> value, p.slot().shape().dims()));
    }
    return in;
  }

  static Tensor tensor(Supplier<Double> numbers, long... dims) {
    float[] contents = new float[(int) Shape.of(dims).count()];
    for (int i = 0; i < contents.length; i++) {
      contents[i] = numbers.get().floatValue();
    }
    return new Tensor(contents, dims);
  }

  private static List<Parameter> parameters(Design design) {
    return Stream.of(design.critic(), design.generator())
        .flatMap(m -> m.parameters().stream())
        .toList();
  }

  private static List<Parameter> buffers(Design design) {
    return Stream.of(design.critic(), design.generator())
        .flatMap(m -> m.buffers().stream())
        .toList();
  }

  /** The slots that an iteration reads; what they hold is set before each. */
  private record Batches(
      List<Slot> real, List<Slot> criticNoise, List<Slot> alpha, Slot generatorNoise) {
    static Batches of(Design design, State state, long features) {
      return new Batches(
          slots(design, state, "real", features), slots(design, state, "z_critic", design.latent()),
          slots(design, state, "alpha", 1),
              state.add(Slot.f32("z_generator", design.batchSize(), design.latent())));
    }

    private static List<Slot> slots(Design design, State state, String name, long width) {
      return IntStream.range(0, design.criticSteps())
          .mapToObj(i -> state.add(Slot.f32(name + "." + i, design.batchSize(), width)))
          .toList();
    }

    void set(State state, Map<String, Tensor> in, int iteration) {
      for (int i = 0; i < real.size(); i++) {
        int update = iteration * real.size() + i;
        set(state, real.get(i), in.get("real"), update);
        set(state, criticNoise.get(i), in.get("z_critic"), update);
        set(state, alpha.get(i), in.get("alpha"), update);
      }
      set(state, generatorNoise, in.get("z_generator"), iteration);
    }

    private static void set(State state, Slot slot, Tensor all, int row) {
      int size = (int) slot.shape().count();
      state.set(slot, Arrays.copyOfRange(all.contents(), row * size, (row + 1) * size));
    }

    Inputs in(Trace trace) {
      return new Inputs() {
        @Override
        public Value perturbation(int criticStep) {
          throw new IllegalStateException("no case has a penalty around the data");
        }

        @Override
        public Value real(int criticStep) {
          return trace.read(real.get(criticStep));
        }

        @Override
        public Value criticNoise(int criticStep) {
          return trace.read(criticNoise.get(criticStep));
        }

        @Override
        public Value alpha(int criticStep) {
          return trace.read(alpha.get(criticStep));
        }

        @Override
        public Value generatorNoise() {
          return trace.read(generatorNoise);
        }
      };
    }
  }

  /**
   * What a run leaves: the state's floating-point slots, and metrics by name over the iterations.
   */
  private record Trained(Map<String, double[]> slots, Map<String, double[]> metrics) {}

  private static Trained run(Design design, Device device, Map<String, Tensor> in, int iterations) {
    try (State state = new State(device, device.name().equals("reference"))) {
      Batches batches = Batches.of(design, state, in.get("real").dims()[2]);
      Updates updates = new Updates(design, state);
      Stream.concat(parameters(design).stream(), buffers(design).stream())
          .forEach(p -> state.set(p.slot(), in.get(p.slot().name()).contents()));
      Slot fault = state.add(new Slot("fault", DType.I64, Shape.of(4)));
      Slot counter = state.add(Slot.counter("iteration"));
      int width = Updates.METRICS.size();
      Slot ring = state.add(Slot.f32("metrics", iterations, width));
      Trace.Body iteration =
          t -> {
            t.faultSlot(fault);
            t.ringWrite(ring, counter, updates.traceIteration(t, batches.in(t), counter));
            t.increment(counter, 1);
          };
      try (Program program = Program.compile(Trace.of(iteration), state)) {
        for (int i = 0; i < iterations; i++) {
          batches.set(state, in, i);
          assertEquals(Status.OK, program.run(1).status());
        }
      }
      double[] rows = state.doubles(ring);
      Map<String, double[]> metrics = new LinkedHashMap<>();
      for (int m = 0; m < width; m++) {
        int column = m;
        metrics.put(
            Updates.METRICS.get(m),
            IntStream.range(0, iterations).mapToDouble(i -> rows[i * width + column]).toArray());
      }
      Map<String, double[]> slots = new LinkedHashMap<>();
      state.slots().stream()
          .filter(s -> s.dtype().isFloating())
          .forEach(s -> slots.put(s.name(), state.doubles(s)));
      return new Trained(slots, metrics);
    }
  }

  /** Of each iteration's critic updates the last one's number, which is what Kantor reports. */
  static double[] lastOf(double[] numbers, int length) {
    int every = numbers.length / length;
    return IntStream.range(0, length).mapToDouble(i -> numbers[(i + 1) * every - 1]).toArray();
  }

  /** Losses of every iteration, then parameters and buffers after the last. */
  static Map<String, double[]> train(Design design, Device device, Map<String, Tensor> in) {
    int iterations = (int) in.get("z_generator").dims()[0];
    Trained trained = run(design, device, in, iterations);
    Map<String, double[]> result = new LinkedHashMap<>();
    Stream.concat(parameters(design).stream(), buffers(design).stream())
        .map(p -> p.slot().name())
        .forEach(name -> result.put(name, trained.slots.get(name)));
    double[] loss = trained.metrics.get("critic_loss");
    double[] penalty = trained.metrics.get("penalty");
    result.put(
        "critic_loss",
        IntStream.range(0, iterations).mapToDouble(i -> loss[i] + penalty[i]).toArray());
    if (design.regulariser() instanceof Regulariser.GradientPenalty(double lambda, boolean _)) {
      result.put("critic_penalty", Arrays.stream(penalty).map(p -> p / lambda).toArray());
    }
    result.put("generator_loss", trained.metrics.get("generator_loss"));
    return result;
  }

  /**
   * The gradients of the first update of each network. After one step from nothing, momentum is the
   * gradient; the generator's, which depends on the critic's update, takes a run of its own.
   */
  static Map<String, double[]> firstGradients(Design d, Device device, Map<String, Tensor> in) {
    Optimizer keeps = new Optimizer.Sgd(1e-3, 0.5);
    Map<String, double[]> result = new LinkedHashMap<>();
    putMomentum(result, d.critic(), run(changed(d, keeps, keeps, 1), device, in, 1));
    putMomentum(
        result,
        d.generator(),
        run(changed(d, keeps, d.criticOptimizer(), d.criticSteps()), device, in, 1));
    return result;
  }

  private static void putMomentum(Map<String, double[]> result, Module module, Trained trained) {
    module
        .parameters()
        .forEach(
            p ->
                result.put(
                    "gradient." + p.slot().name(), trained.slots.get(p.slot().name() + ".m")));
  }

  private static Design changed(
      Design d, Optimizer ofGenerator, Optimizer ofCritic, int criticSteps) {
    return new Design(
        d.generator(),
        d.critic(),
        d.objective(),
        d.regulariser(),
        ofGenerator,
        ofCritic,
        d.clip(),
        d.ema(),
        criticSteps,
        d.batchSize(),
        d.latent());
  }
}
