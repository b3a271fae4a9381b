package dev.kantor.cli;

import dev.kantor.gan.Settings;
import dev.kantor.graph.Precision;
import dev.kantor.nativelib.KantorException;
import dev.kantor.nativelib.Status;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Memory;
import dev.kantor.train.Manifest;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Sessions on a device whose memory may be too small for them. */
final class Room {
  private static final String BATCH_SIZE = "batch-size";
  private static final String MEMORY_BYTES = "memoryBytes"; // that a GPU's description has
  private static final String ADVICE = "use a batch or model of at most"; // as the core begins it

  /** Of the device's memory a part like this stays free in what is said to fit. */
  private static final long SPARE = 50;

  private Room() {}

  /**
   * A new session.
   *
   * @throws KantorException with {@link Status#OUT_OF_MEMORY} if a GPU has no room for it; names
   *     the largest power of two that fits as a batch, if one does
   */
  static Session session(
      Device device, Settings settings, Images images, long seed, Precision precision) {
    try {
      return new Session(device, settings, images, seed, precision);
    } catch (KantorException e) {
      if (!isShortage(e, device)) {
        throw e;
      }
      long asked = settings.integer(BATCH_SIZE, 1);
      long fits = largest(device, settings, images, seed, precision, asked);
      throw fits == 0
          ? e
          : withRemedy(
              e,
              String.format(
                  Locale.ROOT,
                  "a batch of %d would fit where %d do not: use --batch-size %1$d",
                  fits,
                  asked));
    }
  }

  /**
   * A session to go on with a run in, see {@link Session#of}.
   *
   * @throws KantorException with {@link Status#OUT_OF_MEMORY} if a GPU has no room for it; a run
   *     keeps its batch
   */
  static Session session(Device device, Manifest manifest, Images images) {
    try {
      return Session.of(device, manifest, images);
    } catch (KantorException e) {
      throw isShortage(e, device)
          ? withRemedy(e, "a run keeps its batch-size: use another device, as with --device cpu")
          : e;
    }
  }

  /** The same error with other advice: if the core has some, it is its last line. */
  private static KantorException withRemedy(KantorException e, String remedy) {
    List<String> lines = new ArrayList<>(e.getMessage().strip().lines().toList());
    if (lines.getLast().startsWith(ADVICE)) {
      lines.removeLast();
    }
    lines.add(remedy + ", or stop what else uses the device (nvidia-smi lists it)");
    return new KantorException(e.status(), String.join("\n", lines), e);
  }

  private static boolean isShortage(KantorException e, Device device) {
    return e.status() == Status.OUT_OF_MEMORY && DeviceOptions.json(device).has(MEMORY_BYTES);
  }

  /** The largest power of two below a batch size that fits; 0: none does. */
  private static long largest(
      Device device,
      Settings settings,
      Images images,
      long seed,
      Precision precision,
      long batchSize) {
    long fits = 0;
    int low = 0;
    int high = Long.SIZE - 1 - Long.numberOfLeadingZeros(batchSize - 1); // -1 of a batch of 1
    while (low <= high) {
      int middle = fits == 0 ? low : (low + high + 1) / 2; // if one sample does not, none does
      long batch = 1L << middle;
      if (fits(device, settings.with(BATCH_SIZE, Long.toString(batch)), images, seed, precision)) {
        fits = batch;
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return fits;
  }

  /** Whether there is room for a training with its pictures, and some to spare. */
  private static boolean fits(
      Device device, Settings settings, Images images, long seed, Precision precision) {
    try (Session session = new Session(device, settings, images, seed, precision);
        Sight _ = session.sight(new PrintWriter(PrintWriter.nullWriter()));
        Memory _ =
            device.allocate(DeviceOptions.json(device).get(MEMORY_BYTES).getAsLong() / SPARE)) {
      return true;
    } catch (KantorException e) {
      if (e.status() == Status.OUT_OF_MEMORY) {
        return false;
      }
      throw e;
    }
  }
}
