package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which precision the products of a program get. */
class PrecisionTest {
  private static final Slot HIDDEN = Slot.f32("hidden", 7, 5);
  private static final Slot LAST = Slot.f32("last", 1, 7);
  private static final Slot SAMPLES = Slot.f32("samples", 3, 5);

  /** Gradients of a critic's mean, and, if so, of a penalty of its slope. */
  private static Graph gradients(boolean penalised) {
    return Trace.of(
        t -> {
          Value w = t.read(HIDDEN);
          Value v = t.read(LAST);
          Value x = t.read(SAMPLES);
          Value y = Ops.matmul(Ops.tanh(Ops.matmul(x, w, false, true)), v, false, true);
          Value loss = Ops.mean(y);
          if (penalised) {
            Value slope =
                Gradients.grad(List.of(Ops.sum(y)), List.of(x), null, true, true).getFirst();
            loss = Ops.add(loss, Losses.rowPenalty(slope, 10, 1, false).value());
          }
          List<Value> g = Gradients.grad(loss, List.of(w, v));
          t.write(HIDDEN, g.get(0));
          t.write(LAST, g.get(1));
        });
  }

  /** The precision of each product, in order. */
  private static List<Precision> products(String device, boolean penalised, Precision precision) {
    try (Device d = Device.open(device, 1);
        State state = new State(d)) {
      List.of(HIDDEN, LAST, SAMPLES).forEach(state::add);
      try (Program p =
          Program.compile(gradients(penalised), state, Program.Options.in(precision))) {
        return p.kernels().stream()
            .filter(k -> k.op().equals("gemm"))
            .map(Kernel::precision)
            .toList();
      }
    }
  }

  @Test
  void productsAreInThePrecisionThatWasAskedFor() {
    for (Precision precision : Precision.values()) {
      List<Precision> products = products("reference", false, precision);
      assertEquals(Collections.nCopies(products.size(), precision), products);
      assertTrue(products.size() >= 2, products.toString());
    }
    List<Precision> penalised = products("reference", true, Precision.TF32);
    assertEquals(Collections.nCopies(penalised.size(), Precision.TF32), penalised);
  }

  /** The critic's pass and the slope come before the norms, and every gradient after them. */
  @Test
  void nothingBehindAPenaltyIsInBf16() {
    List<Precision> products = products("reference", true, Precision.BF16);
    int first = products.indexOf(Precision.TF32);
    assertTrue(first >= 2, products.toString());
    assertTrue(products.size() - first >= 3, products.toString());
    assertEquals(Collections.nCopies(first, Precision.BF16), products.subList(0, first));
    assertEquals(
        Collections.nCopies(products.size() - first, Precision.TF32),
        products.subList(first, products.size()));
  }

  @Test
  void aCpuTakesFp32Alone() {
    KantorException e =
        assertThrows(KantorException.class, () -> products("cpu", false, Precision.TF32));
    assertEquals(Status.UNSUPPORTED, e.status());
    assertTrue(e.getMessage().contains("a CPU computes in fp32 only"), e.getMessage());
  }

  @Test
  void anUnknownNameListsThose() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Precision.of("fp8"));
    assertTrue(e.getMessage().contains("fp32, tf32, bf16"), e.getMessage());
  }
}
