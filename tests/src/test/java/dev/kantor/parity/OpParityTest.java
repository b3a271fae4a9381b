package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import dev.kantor.graph.Gradients;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nativelib.Status;
import dev.kantor.parity.Libtorch.Tensor;
import dev.kantor.parity.OpCases.Case;
import dev.kantor.parity.OpCases.Input;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * Every op's value y, the gradients g of sum y v, and those of sum g u with respect to the inputs
 * and to v, for random v and u, against libtorch in double precision.
 */
class OpParityTest {
  /** Where a program's numbers are floats. */
  private static final double FLOAT_TOLERANCE = 1e-5;

  /** The rounding of numbers about 1: what is left of 1 - s, s nearly 1, is right to this. */
  private static final double FLOAT_FLOOR = 0x1p-24;

  /** In double precision. */
  private static final double DOUBLE_TOLERANCE = 1e-9;

  /** In double precision, with the constant 1 / count of a mean, which programs keep as a float. */
  private static final double ROUNDED_TOLERANCE = 1e-7;

  private static final Set<String> MEANS =
      Set.of(
          "mean",
          "layer_norm",
          "batch_norm",
          "instance_norm",
          "avg_pool2d",
          "cross_entropy",
          "bce",
          "bce_with_logits",
          "norm_penalty",
          "hinge_critic",
          "hinge_generator",
          "least_squares_critic",
          "least_squares_generator");

  private static final List<Case> CASES = OpCases.all();
  private static Map<String, Tensor> drawn;
  private static Map<String, double[]> oracle;

  /** One process answers for the whole table. */
  @BeforeAll
  static void askLibtorch() throws IOException {
    Libtorch.assume();
    drawn = draw();
    oracle = Libtorch.run(drawn, Map.of("cases", cases()), "ops", "--dtype", "float64");
  }

  private static String cases() {
    List<Map<String, Object>> json = new ArrayList<>();
    for (Case c : CASES) {
      List<Integer> constants =
          IntStream.range(0, c.inputs().size())
              .filter(i -> c.inputs().get(i).isConstant())
              .boxed()
              .toList();
      List<String> inputs =
          IntStream.range(0, c.inputs().size()).mapToObj(i -> c.name() + ".x" + i).toList();
      List<String> directions =
          IntStream.range(0, c.inputs().size() - constants.size())
              .mapToObj(i -> c.name() + ".u" + i)
              .toList();
      json.add(
          Map.of(
              "name",
              c.name(),
              "op",
              c.op(),
              "attributes",
              c.attributes(),
              "inputs",
              inputs,
              "constants",
              constants,
              "v",
              List.of(c.name() + ".v"),
              "u",
              directions));
    }
    return new Gson().toJson(json);
  }

  private static Map<String, Tensor> draw() {
    Random random = new Random(7);
    Map<String, Tensor> all = new LinkedHashMap<>();
    for (Case c : CASES) {
      for (int i = 0; i < c.inputs().size(); i++) {
        Input input = c.inputs().get(i);
        all.put(c.name() + ".x" + i, draw(random, input));
        all.put(c.name() + ".u" + i, draw(random, new Input(-1, 1, input.dims())));
      }
      all.put(c.name() + ".v", draw(random, new Input(-1, 1, outputOf(c))));
    }
    return all;
  }

  private static Tensor draw(Random random, Input input) {
    float[] contents = new float[Math.toIntExact(Shape.of(input.dims()).count())];
    for (int i = 0; i < contents.length; i++) {
      contents[i] = (float) (input.low() + (input.high() - input.low()) * random.nextDouble());
    }
    return new Tensor(contents, input.dims());
  }

  private static List<Slot> slots(Case c) {
    List<Slot> slots = new ArrayList<>();
    for (int i = 0; i < c.inputs().size(); i++) {
      if (!c.inputs().get(i).isConstant()) {
        slots.add(Slot.f32(c.name() + ".x" + i, c.inputs().get(i).dims()));
      }
    }
    return slots;
  }

  private static long[] outputOf(Case c) {
    List<long[]> dims = new ArrayList<>();
    Trace.of(
        t -> dims.add(c.function().apply(slots(c).stream().map(t::read).toList()).shape().dims()));
    return dims.getFirst();
  }

  /**
   * The oracle's results of a case, computed on a device; without those that are structurally zero.
   */
  private static Map<String, double[]> run(Case c, Device device) {
    try (State state = new State(device, device.name().equals("reference"))) {
      List<Slot> inputs = slots(c);
      List<Slot> directions =
          inputs.stream()
              .map(s -> Slot.f32(s.name().replace(".x", ".u"), s.shape().dims()))
              .toList();
      Slot cotangent = Slot.f32(c.name() + ".v", drawn.get(c.name() + ".v").dims());
      List<Slot> given = new ArrayList<>(inputs);
      given.addAll(directions);
      given.add(cotangent);
      given.forEach(s -> state.set(state.add(s), drawn.get(s.name()).contents()));
      List<Slot> results = new ArrayList<>();
      Trace.Body body =
          t -> {
            List<Value> x = inputs.stream().map(t::read).toList();
            Value v = t.read(cotangent);
            Value y = c.function().apply(x);
            List<Value> first = Gradients.grad(List.of(y), x, List.of(v), true, true);
            Value along = null;
            for (int i = 0; i < x.size(); i++) {
              Value term = Ops.sum(Ops.mul(first.get(i), t.read(directions.get(i))));
              along = along == null ? term : Ops.add(along, term);
            }
            List<Value> variables = new ArrayList<>(x);
            variables.add(v);
            List<Value> second =
                Gradients.grad(
                    List.of(along), variables, null, new Gradients.Options(true, true, true));
            Map<String, Value> named = new LinkedHashMap<>();
            named.put(".out.0", y);
            for (int i = 0; i < x.size(); i++) {
              named.put(".grad." + i, first.get(i));
              named.put(".second." + i, second.get(i));
            }
            named.put(".second.v.0", second.getLast());
            named.forEach(
                (end, value) -> {
                  if (value != null) {
                    Slot slot = state.add(new Slot(c.name() + end, value.dtype(), value.shape()));
                    results.add(slot);
                    t.write(slot, value);
                  }
                });
          };
      try (Program program = Program.compile(Trace.of(body), state)) {
        assertEquals(Status.OK, program.run(1).status());
      }
      Map<String, double[]> found = new TreeMap<>();
      results.forEach(s -> found.put(s.name(), state.doubles(s)));
      return found;
    }
  }

  private static void compare(
      Device device, Differences differences, Case c, double tolerance, double floor) {
    Map<String, double[]> got = run(c, device);
    oracle.forEach(
        (name, expected) -> {
          if (name.startsWith(c.name() + ".")) {
            differences.add(
                name,
                got.getOrDefault(name, new double[expected.length]),
                expected,
                tolerance,
                floor);
          }
        });
    got.forEach(
        (name, numbers) -> {
          if (!oracle.containsKey(name)) {
            differences.add(name, numbers, new double[numbers.length], 0, floor);
          }
        });
  }

  @Test
  void floatsAgreeOnEveryInstructionSet(TestReporter reporter) {
    for (String name : InstructionSets.here()) {
      Differences differences = new Differences();
      try (Device device = Device.open(name, 2)) {
        CASES.forEach(c -> compare(device, differences, c, FLOAT_TOLERANCE, FLOAT_FLOOR));
      }
      reporter.publishEntry(name, differences.largest());
      assertTrue(differences.isEmpty(), () -> name + "\n" + differences.report());
    }
  }

  @Test
  void doublesAgreeToTheLastDigits(TestReporter reporter) {
    Differences exact = new Differences();
    Differences rounded = new Differences();
    try (Device reference = Device.open("reference", 1)) {
      CASES.forEach(
          c -> {
            boolean rounds = roundsItsMean(c);
            compare(
                reference,
                rounds ? rounded : exact,
                c,
                rounds ? ROUNDED_TOLERANCE : DOUBLE_TOLERANCE,
                0);
          });
    }
    reporter.publishEntry("largest, constants exact", exact.largest());
    reporter.publishEntry("largest, constants rounded to float", rounded.largest());
    assertTrue(
        exact.isEmpty() && rounded.isEmpty(), () -> exact.report() + "\n" + rounded.report());
  }

  /** Whether the case has a mean over a count whose inverse may be no float. */
  private static boolean roundsItsMean(Case c) {
    return MEANS.contains(c.op())
        && Arrays.stream(c.inputs().getFirst().dims()).anyMatch(n -> Long.bitCount(n) != 1);
  }
}
