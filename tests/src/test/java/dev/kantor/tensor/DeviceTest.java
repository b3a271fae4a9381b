package dev.kantor.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonParseException;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Native;
import dev.kantor.nativelib.Status;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

class DeviceTest {
  @Test
  void oneThatCannotBeDescribedIsClosed() {
    KantorException lost = new KantorException(Status.DEVICE_LOST, "the device gave up");
    assertEquals(
        lost,
        assertClosedAfter(
            KantorException.class,
            _ -> {
              throw lost;
            }));
    assertClosedAfter(JsonParseException.class, _ -> "{\"name\":");
  }

  private static <E extends RuntimeException> E assertClosedAfter(
      Class<E> expected, LongFunction<String> describe) {
    long handle = Native.openDevice("cpu-portable", 1);
    E thrown = assertThrows(expected, () -> Device.of(handle, describe));
    KantorException again = assertThrows(KantorException.class, () -> Native.closeDevice(handle));
    assertEquals(Status.INVALID_ARGUMENT, again.status());
    return thrown;
  }
}
