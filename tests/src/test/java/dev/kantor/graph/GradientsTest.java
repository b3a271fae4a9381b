package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The contract of grad: orders, retaining, creating, errors. */
class GradientsTest {

  @Test
  void withoutCreateGraphAGradientCannotBeDifferentiated() {
    Value x = Ops.scalar(2).requireGradient();
    Value y = x.mul(x);
    Value g = Gradients.grad(List.of(y), List.of(x), null, true, false).getFirst();
    assertEquals(4, g.item());
    var e = assertThrows(IllegalStateException.class, () -> Gradients.grad(g, x));
    assertTrue(e.getMessage().contains("createGraph = true"), e.getMessage());
  }

  @Test
  void aGradientThatIsAValueOfTheGraphIsNoException() {
    Value x = Ops.scalar(2).requireGradient();
    Value g = Gradients.grad(List.of(Ops.exp(x)), List.of(x), null, true, false).getFirst();
    assertThrows(IllegalStateException.class, () -> Gradients.grad(g, x));
  }

  @Test
  void whileTracingTheErrorNamesCreateGraph() {
    Slot slot = Slot.f32("x");
    var e =
        assertThrows(
            IllegalStateException.class,
            () ->
                Trace.of(
                    t -> {
                      Value x = t.read(slot);
                      Value g =
                          Gradients.grad(List.of(Ops.exp(x)), List.of(x), null, true, false)
                              .getFirst();
                      Gradients.grad(g, x);
                    }));
    assertTrue(e.getMessage().contains("createGraph = true"), e.getMessage());
  }

  @Test
  void aFreedGraphSaysSo() {
    Value x = Ops.scalar(2).requireGradient();
    Value y = Ops.exp(x);
    Gradients.grad(y, x);
    var e = assertThrows(IllegalStateException.class, () -> Gradients.grad(y, x));
    assertTrue(
        e.getMessage().contains("freed") && e.getMessage().contains("retainGraph = true"),
        e.getMessage());
  }

  @Test
  void aRetainedGraphCanBeDifferentiatedTwice() {
    Value x = Ops.scalar(2).requireGradient();
    Value y = x.square();
    assertEquals(4, Gradients.grad(List.of(y), List.of(x), null, true, false).getFirst().item());
    assertEquals(4, Gradients.grad(y, x).item());
  }

  @Test
  void unusedInputsAreAnErrorUnlessAllowed() {
    Value x = Ops.scalar(2).requireGradient();
    Value z = Ops.scalar(5).requireGradient();
    Value y = x.square();
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Gradients.grad(List.of(y), List.of(x, z), null, true, false));
    assertTrue(
        e.getMessage().contains("input 1") && e.getMessage().contains("allowUnused"),
        e.getMessage());
    List<Value> g =
        Gradients.grad(List.of(y), List.of(x, z), null, new Gradients.Options(true, false, true));
    assertEquals(4, g.get(0).item());
    assertNull(g.get(1));
  }

  @Test
  void aDerivativeThatIsZeroIsNoNode() {
    Slot slot = Slot.f32("x", 4, 3);
    Slot out = Slot.f32("out", 4, 3);
    Graph g =
        Trace.of(
            t -> {
              Value x = t.read(slot);
              Value y = Ops.leakyRelu(x, 0.2);
              Value first =
                  Gradients.grad(List.of(Ops.sum(y)), List.of(x), null, true, true).getFirst();
              // The mask's derivative is zero everywhere, so the second derivative is a constant.
              Value second =
                  Gradients.grad(List.of(Ops.sum(first)), List.of(x), null, true, true).getFirst();
              t.write(out, second);
            });
    assertEquals(3, Simplify.run(g).size(), () -> Simplify.run(g).toString()); // read, fill, assign
  }

  @Test
  void outputsOfSeveralElementsNeedCotangents() {
    Value x = Ops.tensor(new float[] {1, 2, 3}, 3).requireGradient();
    Value y = x.square();
    var e = assertThrows(IllegalArgumentException.class, () -> Gradients.grad(y, x));
    assertTrue(e.getMessage().contains("gradOutputs"), e.getMessage());
    Value v = Ops.tensor(new float[] {1, 10, 100}, 3);
    Value g = Gradients.grad(List.of(y), List.of(x), List.of(v), false, false).getFirst();
    assertArrayEquals(new float[] {2, 40, 600}, g.toFloats());
    Value wrong = Ops.tensor(new float[] {1, 2}, 2);
    assertThrows(
        IllegalArgumentException.class,
        () -> Gradients.grad(List.of(x.square()), List.of(x), List.of(wrong), false, false));
  }

  @Test
  void severalOutputsAddUp() {
    Value x = Ops.scalar(3).requireGradient();
    Value g =
        Gradients.grad(Arrays.asList(x.square(), x.scale(5)), List.of(x), null, false, false)
            .getFirst();
    assertEquals(11, g.item());
  }

  @Test
  void aValueInTheMiddleHasTheWholeGradient() {
    // The same kind of op follows the one that made the value: what is recorded must not go past
    // it.
    Value x = Ops.scalar(5).requireGradient();
    Value twice = x.scale(2);
    assertEquals(3 + 20, Gradients.grad(twice.scale(3).add(twice.square()), twice).item());
    Value row = Ops.tensor(new float[] {1, 2, 3, 4}, 4).requireGradient();
    Value square = row.reshape(2, 2);
    Value y = Ops.sum(square.reshape(4).mul(row)).add(Ops.sum(square));
    assertArrayEquals(new float[] {2, 3, 4, 5}, Gradients.grad(y, square).toFloats());
  }

  @Test
  void whatFollowsItselfIsOneOpInTheProgram() {
    Slot in = Slot.f32("x", 4, 3);
    Slot out = Slot.f32("y", 4, 3);
    Graph g =
        Trace.of(
            t -> {
              Value x = t.read(in);
              Value same = x.reshape(12).reshape(3, 4).reshape(4, 3).scale(2).scale(3).scale(0.5);
              t.write(out, same.add(x.scale(4).scale(0.25)));
            });
    // two reads, scale, add, assign
    assertEquals(5, Simplify.run(g).size(), () -> Simplify.run(g).toString());
  }

  @Test
  void inputsOutsideATraceMustAskForGradients() {
    Value x = Ops.scalar(3);
    var e = assertThrows(IllegalArgumentException.class, () -> Gradients.grad(x.square(), x));
    assertTrue(e.getMessage().contains("requireGradient"), e.getMessage());
  }

  @Test
  void theNormsSubgradientAtZeroIsZero() {
    Value x = Ops.tensor(new float[6], 2, 3).requireGradient();
    Value p = Losses.rowPenalty(x, 10, 1, false).value();
    assertEquals(10, p.item());
    assertArrayEquals(new float[6], Gradients.grad(p, x).toFloats());
  }

  @Test
  void shapesThatDoNotFitAreNamed() {
    Value a = Ops.tensor(new float[6], 2, 3);
    Value b = Ops.tensor(new float[4], 2, 2);
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> a.matmul(b))
            .getMessage()
            .contains("matmul: a is f32[2, 3] but b is f32[2, 2]; expected b [3, *]"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> a.add(b))
            .getMessage()
            .contains("do not broadcast"));
  }

  @Test
  void readingAValueWhileTracingIsAnErrorThatSaysSo() {
    Slot slot = Slot.f32("x", 2);
    var e =
        assertThrows(
            IllegalStateException.class, () -> Trace.of(t -> Ops.exp(t.read(slot)).toFloats()));
    assertTrue(e.getMessage().contains("part of a trace"), e.getMessage());
  }
}
