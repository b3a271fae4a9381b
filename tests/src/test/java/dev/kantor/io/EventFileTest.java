package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventFileTest {
  private static final double WALL_TIME = 1_700_000_000.5;

  @TempDir private Path folder;

  /** The sums are those of RFC 3720, appendix B.4, and of the check string of CRC catalogues. */
  @ParameterizedTest
  @CsvSource({
    "0000000000000000000000000000000000000000000000000000000000000000, 8a9136aa",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff, 62a8ab43",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f, 46dd794e",
    "313233343536373839, e3069283",
  })
  void masksTheDocumentedSums(String data, String sum) {
    byte[] bytes = HexFormat.of().parseHex(data);
    assertEquals(HexFormat.fromHexDigits(sum), unmasked(EventFile.masked(bytes, bytes.length)));
  }

  /** As crc32c.h of TensorFlow and LevelDB takes the mask off. */
  private static int unmasked(int masked) {
    int rotated = masked - 0xa282ead8;
    return (rotated >>> 17) | (rotated << 15);
  }

  /** With this each event file of TensorFlow begins: its first record has 24 bytes. */
  @Test
  void beginsAsEveryEventFileDoes() throws IOException {
    EventFile.create(folder, WALL_TIME).close();
    byte[] bytes = Files.readAllBytes(only());
    assertEquals(
        "1800000000000000" + "a37f4b22", HexFormat.of().formatHex(Arrays.copyOf(bytes, 12)));
    List<byte[]> messages = messages(bytes);
    assertEquals(1, messages.size());
    assertEquals(
        // wall_time, a double; file_version, 13 bytes
        "09" + "00002040fc54d941" + "1a0d" + hex("brain.Event:2"),
        HexFormat.of().formatHex(messages.getFirst()));
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Messages written out by hand from the wire format and the field numbers of event.proto. */
  @Test
  void writesEventsByteForByte() throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("a", 1.0);
    values.put("bc", Double.NaN);
    byte[] png = Png.encode(new byte[3 * 2 * 5], 5, 2, 3);
    try (EventFile file = EventFile.create(folder, WALL_TIME)) {
      file.scalars(1, 300, values);
      file.restart(2, 1);
      file.image(1, 0, "s", png);
    }
    List<byte[]> messages = messages(Files.readAllBytes(only()));
    assertEquals(4, messages.size());
    String one = "09" + "000000000000f03f";
    assertEquals(
        one
            + "10ac02" // step 300
            + "2a15" // summary
            + ("0a08" + "0a0161" + "150000803f")
            + ("0a09" + "0a026263" + "150000c07f"),
        HexFormat.of().formatHex(messages.get(1)));
    assertEquals(
        "09" + "0000000000000040" + "1001" + "3a020801", HexFormat.of().formatHex(messages.get(2)));
    int image = 6 + 2 + png.length;
    assertTrue(image < 128 - 7, "lengths of one byte are what is written out here");
    assertEquals(
        one
            + "1000"
            + String.format("2a%02x0a%02x", image + 7, image + 5)
            + "0a0173"
            + String.format("22%02x", image)
            + ("0802" + "1005" + "1803") // height, width, colours
            + String.format("22%02x", png.length)
            + HexFormat.of().formatHex(png),
        HexFormat.of().formatHex(messages.get(3)));
  }

  @Test
  void aSecondFileOfTheSameSecondComesAfterTheFirst() throws IOException {
    for (int i = 0; i < 3; i++) {
      EventFile.create(folder.resolve("made"), WALL_TIME).close();
    }
    try (Stream<Path> files = Files.list(folder.resolve("made"))) {
      assertEquals(
          List.of(
              "events.out.tfevents.1700000000.kantor",
              "events.out.tfevents.1700000001.kantor",
              "events.out.tfevents.1700000002.kantor"),
          files.map(f -> f.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void refusesWhatIsNoPicture() throws IOException {
    try (EventFile file = EventFile.create(folder, WALL_TIME)) {
      assertThrows(IllegalArgumentException.class, () -> file.image(1, 1, "s", new byte[40]));
    }
  }

  private Path only() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertEquals(1, all.size());
      return all.getFirst();
    }
  }

  /** The messages of a file, both sums of each record verified. */
  static List<byte[]> messages(byte[] file) {
    List<byte[]> messages = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      byte[] length = new byte[8];
      in.get(length);
      assertEquals(castagnoli(length), unmasked(in.getInt()));
      byte[] message =
          new byte[Math.toIntExact(ByteBuffer.wrap(length).order(in.order()).getLong())];
      in.get(message);
      assertEquals(castagnoli(message), unmasked(in.getInt()));
      messages.add(message);
    }
    return messages;
  }

  /** CRC-32C bit by bit, from its polynomial. */
  private static int castagnoli(byte[] bytes) {
    int sum = ~0;
    for (byte b : bytes) {
      sum ^= b & 0xFF;
      for (int i = 0; i < 8; i++) {
        sum = (sum >>> 1) ^ ((sum & 1) == 0 ? 0 : 0x82f63b78);
      }
    }
    return ~sum;
  }
}
