package dev.kantor.graph;

import dev.kantor.tensor.Device;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/** Runs functions of tensors as programs, for tests. */
final class Programs {
  private Programs() {}

  /** Named inputs and outputs of a function of tensors. */
  record Input(String name, double[] contents, long... dims) {
    Slot slot() {
      return Slot.f32(name, dims);
    }
  }

  static Input random(String name, Random random, long... dims) {
    return new Input(
        name, random.doubles(dev.kantor.tensor.Shape.of(dims).count(), -1, 1).toArray(), dims);
  }

  /** The outputs of a function on a device; in double precision on the reference device. */
  static Map<String, double[]> run(
      Device device,
      Program.Options options,
      List<Input> inputs,
      Function<Map<String, Value>, Map<String, Value>> body) {
    boolean reference = device.name().equals("reference");
    try (State state = new State(device, reference)) {
      inputs.forEach(i -> state.set(state.add(i.slot()), i.contents));
      List<Slot> outputs = new ArrayList<>();
      Graph graph =
          Trace.of(
              t -> {
                Map<String, Value> in = new HashMap<>();
                inputs.forEach(i -> in.put(i.name, t.read(i.slot())));
                body.apply(in)
                    .forEach(
                        (name, v) -> {
                          Slot slot = state.add(new Slot("out." + name, v.dtype(), v.shape()));
                          outputs.add(slot);
                          t.write(slot, v);
                        });
              });
      try (Program program = Program.compile(graph, state, options)) {
        program.run(1);
      }
      Map<String, double[]> result = new HashMap<>();
      outputs.forEach(s -> result.put(s.name().substring(4), state.doubles(s)));
      return result;
    }
  }

  /** ||a - b|| / ||b||, with 0 / 0 = 0. */
  static double distance(double[] a, double[] b) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < b.length; i++) {
      difference += (a[i] - b[i]) * (a[i] - b[i]);
      norm += b[i] * b[i];
    }
    return difference == 0 ? 0 : Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-30);
  }
}
