package dev.kantor.nativelib;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class NativeTest {
  private static long device;

  @BeforeAll
  static void open() {
    device = Native.openDevice("cpu-portable", 2);
  }

  @AfterAll
  static void close() {
    Native.closeDevice(device);
  }

  @Test
  void hasTheVersionItWasCompiledFor() {
    assertEquals(Kantor.KT_ABI_VERSION, Native.abiVersion());
  }

  @Test
  void saysWhichDeviceNameItDoesNotKnow() {
    KantorException e = assertThrows(KantorException.class, () -> Native.openDevice("abacus", 1));
    assertNotEquals(Status.OK, e.status());
    assertTrue(e.getMessage().contains("abacus"), e.getMessage());
  }

  @Test
  void refusesNullHandles() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(8);
      List<Executable> calls =
          List.of(
              () -> Native.closeDevice(0),
              () -> Native.describeDevice(0),
              () -> Native.allocate(0, 8),
              () -> Native.wrap(0, host),
              () -> Native.free(0),
              () -> Native.write(0, 0, host),
              () -> Native.read(0, 0, host),
              () -> Native.createProgram(0, host, new long[0]),
              () -> Native.destroyProgram(0),
              () -> Native.run(0, 1),
              () -> Native.cancel(0),
              () -> Native.profile(0, true),
              () -> Native.describeProgram(0));
      for (Executable call : calls) {
        KantorException e = assertThrows(KantorException.class, call);
        assertEquals(Status.INVALID_ARGUMENT, e.status());
        assertFalse(e.getMessage().isBlank());
      }
    }
  }

  @Test
  void describesTheDevice() {
    JsonObject json = JsonParser.parseString(Native.describeDevice(device)).getAsJsonObject();
    assertEquals("cpu-portable", json.get("name").getAsString());
    assertEquals(2, json.get("threads").getAsInt());
  }

  @Test
  void memoryStartsZeroedAndKeepsWhatIsWritten() {
    long memory = Native.allocate(device, 32);
    try (Arena arena = Arena.ofConfined()) {
      Native.write(memory, 8, arena.allocateFrom(ValueLayout.JAVA_LONG, 5, -7));
      MemorySegment all = arena.allocate(32);
      Native.read(memory, 0, all);
      assertArrayEquals(new long[] {0, 5, -7, 0}, all.toArray(ValueLayout.JAVA_LONG));
    } finally {
      Native.free(memory);
    }
  }

  @Test
  void wrappedMemoryIsTheHostMemory() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocateFrom(ValueLayout.JAVA_INT, 1, 2, 3);
      long memory = Native.wrap(device, host);
      MemorySegment copy = arena.allocate(8);
      Native.read(memory, 4, copy);
      assertArrayEquals(new int[] {2, 3}, copy.toArray(ValueLayout.JAVA_INT));
      Native.free(memory);
    }
  }

  @Test
  void refusesToCopyPastTheEnd() {
    long memory = Native.allocate(device, 8);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(8);
      assertStatus(Status.INVALID_ARGUMENT, () -> Native.write(memory, 1, host));
      assertStatus(Status.INVALID_ARGUMENT, () -> Native.read(memory, Long.MAX_VALUE, host));
    } finally {
      Native.free(memory);
    }
  }

  @Test
  void refusesHostMemoryThatNativeCodeMustNotTouch() {
    long memory = Native.allocate(device, 8);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment closed;
      try (Arena brief = Arena.ofConfined()) {
        closed = brief.allocate(8);
      }
      assertStatus(Status.INVALID_ARGUMENT, () -> Native.write(memory, 0, closed));
      assertStatus(
          Status.INVALID_ARGUMENT,
          () -> Native.write(memory, 0, MemorySegment.ofArray(new byte[8])));
      assertStatus(
          Status.INVALID_ARGUMENT, () -> Native.read(memory, 0, arena.allocate(8).asReadOnly()));
      assertStatus(Status.INVALID_ARGUMENT, () -> Native.allocate(device, -1));
    } finally {
      Native.free(memory);
    }
  }

  @Test
  void refusesBytesThatAreNoProgram() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocateFrom("not a program");
      assertStatus(Status.INVALID_ARGUMENT, () -> Native.createProgram(device, bytes, new long[0]));
    }
  }

  private static void assertStatus(Status expected, Executable call) {
    assertEquals(expected, assertThrows(KantorException.class, call).status());
  }
}
