package dev.kantor.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/** The CPU devices of this machine. */
final class InstructionSets {
  private InstructionSets() {}

  /** Their names; the portable one is everywhere. */
  static List<String> here() {
    List<String> names = new ArrayList<>();
    for (String name : List.of("cpu-portable", "cpu-avx2", "cpu-avx512")) {
      try (Device _ = Device.open(name, 1)) {
        names.add(name);
      } catch (KantorException e) {
        assertEquals(Status.UNSUPPORTED, e.status(), e.getMessage());
      }
    }
    assertTrue(names.contains("cpu-portable"));
    return names;
  }
}
