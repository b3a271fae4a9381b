package dev.kantor.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.tensor.Device;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Reads and writes of state slots take effect in the order in which they are written. */
class SlotsTest {
  private Device device;
  private State state;
  private Slot a;
  private Slot b;
  private Slot c;

  @BeforeEach
  void open() {
    device = Device.open("cpu", 2);
    state = new State(device);
    a = state.add(Slot.f32("a", 2));
    b = state.add(Slot.f32("b", 2));
    c = state.add(Slot.f32("c", 2));
    state.set(a, 1f, 2f);
    state.set(b, 10f, 20f);
  }

  @AfterEach
  void close() {
    state.close();
    device.close();
  }

  private void run(Trace.Body body) {
    try (Program p = Program.compile(Trace.of(body), state)) {
      p.run(1);
    }
  }

  @Test
  void aSwapReadsBothBeforeItWritesEither() {
    run(
        t -> {
          Value x = t.read(a);
          Value y = t.read(b);
          t.write(a, Ops.scale(y, 1));
          t.write(b, Ops.shift(Ops.shift(x, 1), -1));
        });
    assertArrayEquals(new float[] {10, 20}, state.floats(a));
    assertArrayEquals(new float[] {1, 2}, state.floats(b));
  }

  @Test
  void anOldValueReadLateIsStillTheOldOne() {
    run(
        t -> {
          Value x = t.read(a);
          t.write(a, Ops.scale(x, 5));
          t.write(b, Ops.exp(x));
          t.write(c, t.read(a));
        });
    assertArrayEquals(new float[] {5, 10}, state.floats(a));
    assertEquals(Math.exp(2), state.floats(b)[1], 1e-5);
    assertArrayEquals(new float[] {5, 10}, state.floats(c));
  }

  @Test
  void ofTwoWritesTheLastStaysAndTheFirstCanBeRead() {
    run(
        t -> {
          Value first = Ops.scale(t.read(b), 2);
          t.write(a, first);
          t.write(a, Ops.scale(t.read(b), 3));
          t.write(c, Ops.shift(first, 1));
        });
    assertArrayEquals(new float[] {30, 60}, state.floats(a));
    assertArrayEquals(new float[] {21, 41}, state.floats(c));
  }

  @Test
  void oneValueCanGoToSeveralSlots() {
    run(
        t -> {
          Value v = Ops.square(t.read(a));
          t.write(b, v);
          t.write(c, v);
        });
    assertArrayEquals(new float[] {1, 4}, state.floats(b));
    assertArrayEquals(new float[] {1, 4}, state.floats(c));
  }

  @Test
  void anOldValueThatNeedsTheNewOneIsAnErrorThatSaysSo() {
    Slot counter = state.add(Slot.counter("n"));
    var e =
        assertThrows(
            IllegalStateException.class,
            () ->
                run(
                    t -> {
                      Value old = t.read(a);
                      Slot step = Slot.counter("n");
                      t.increment(step, 1);
                      t.write(a, Ops.scale(old, 2));
                      // old is needed beside what its slot has become.
                      t.write(c, Ops.add(t.read(a), old));
                    }));
    assertTrue(e.getMessage().contains("after it was updated"), e.getMessage());
    assertEquals(0, state.longs(counter)[0]);
  }

  @Test
  void aChildSeesItsParentsSlots() {
    try (State child = state.child()) {
      child.add(Slot.f32("mine", 2));
      assertTrue(child.contains("a"));
      assertArrayEquals(new float[] {1, 2}, child.floats(a));
      assertThrows(IllegalArgumentException.class, () -> child.add(Slot.f32("a", 2)));
    }
    assertThrows(NoSuchElementException.class, () -> state.slot("mine"));
  }

  @Test
  void sizesAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> state.set(a, 1f, 2f, 3f));
    assertThrows(IllegalArgumentException.class, () -> state.add(Slot.f32("a", 4)));
    var e =
        assertThrows(IllegalArgumentException.class, () -> run(t -> t.write(a, Ops.full(0, 3))));
    assertTrue(e.getMessage().contains("assign"), e.getMessage());
  }
}
