package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.kantor.tensor.Device;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Passes of a convolutional critic become one on a GPU, and compute what they did. */
class MergeImagesTest {
  private static final int[] IMAGES = {2, 3};
  private static final Slot KERNEL = Slot.f32("kernel", 4, 2, 3, 3);
  private static final Slot DENSE = Slot.f32("dense", 5, 36);
  private static final List<Slot> DATA =
      List.of(Slot.f32("first", IMAGES[0], 2, 6, 6), Slot.f32("second", IMAGES[1], 2, 6, 6));
  private static final Slot KERNEL_GRADIENT = Slot.f32("out.kernel", 4, 2, 3, 3);
  private static final Slot DENSE_GRADIENT = Slot.f32("out.dense", 5, 36);
  private static final Slot DATA_GRADIENT = Slot.f32("out.first", IMAGES[0], 2, 6, 6);

  private static Value critic(Value x, Value kernel, Value dense) {
    Value y = Layers.maxPool2d(Ops.leakyRelu(Layers.conv2d(x, kernel, 1, 1, 1), 0.2), 2, 2);
    return Ops.matmul(Ops.reshape(y, Shape.of(x.shape().dim(0), 36)), dense, false, true);
  }

  /** Gradients of mean(D(first)^2) - mean(D(second)^2). */
  private static Graph gradients() {
    return Trace.of(
        t -> {
          Value kernel = t.read(KERNEL);
          Value dense = t.read(DENSE);
          Value first = t.read(DATA.get(0));
          Value second = t.read(DATA.get(1));
          Value loss =
              Ops.sub(
                  Ops.mean(Ops.square(critic(first, kernel, dense))),
                  Ops.mean(Ops.square(critic(second, kernel, dense))));
          List<Value> g = Gradients.grad(loss, List.of(kernel, dense, first));
          t.write(KERNEL_GRADIENT, g.get(0));
          t.write(DENSE_GRADIENT, g.get(1));
          t.write(DATA_GRADIENT, g.get(2));
        });
  }

  private static long count(Graph g, Class<? extends Op> op) {
    return g.nodes.stream().filter(n -> op.isInstance(n.op)).count();
  }

  @Test
  void eachLayerRunsOnceForAllImages() {
    Graph plain = Simplify.run(gradients());
    Graph apart = MergeRows.run(plain, false);
    Graph merged = MergeRows.run(plain, true);
    for (Class<? extends Op> op :
        List.of(
            Convolution.Conv2d.class,
            Convolution.MaxPool.class,
            Convolution.PoolScatter.class,
            Convolution.WeightGrad.class)) {
      assertEquals(2, count(apart, op), op.getSimpleName());
      assertEquals(1, count(merged, op), op.getSimpleName());
    }
    // That of the second images' gradient is nobody's.
    assertEquals(1, count(merged, Convolution.DataGrad.class));
    assertEquals(2, count(merged, Structural.Concat.class), "of images and of cotangents");
  }

  @Test
  void theyComputeTheSame() {
    Graph plain = gradients();
    List<double[]> expected = run(plain);
    List<double[]> actual = run(MergeRows.run(Simplify.run(plain), true));
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), actual.get(i), 1e-12);
    }
  }

  private static List<double[]> run(Graph graph) {
    List<Slot> outputs = List.of(KERNEL_GRADIENT, DENSE_GRADIENT, DATA_GRADIENT);
    List<Slot> inputs = new ArrayList<>(DATA);
    inputs.addAll(List.of(KERNEL, DENSE));
    Random random = new Random(1);
    try (Device device = Device.open("reference", 1);
        State state = new State(device, true)) {
      for (Slot s : inputs) {
        state.set(state.add(s), random.doubles(s.shape().count(), -1, 1).toArray());
      }
      outputs.forEach(state::add);
      try (Program p = Program.compile(graph, state, new Program.Options(false, false))) {
        p.run(1);
      }
      return outputs.stream().map(state::doubles).toList();
    }
  }
}
