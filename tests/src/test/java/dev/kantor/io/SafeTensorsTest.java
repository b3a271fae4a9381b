package dev.kantor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.io.SafeTensors.Check;
import dev.kantor.io.SafeTensors.Entry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {
  private static final int FUZZ_CASES = 8_000;

  @TempDir private Path folder;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path file = folder.resolve("state.safetensors");
    Map<String, Entry> tensors = sample();
    SafeTensors.write(file, tensors, Map.of("step", "17", "quoted", "a \"b\" \u2028 \u00fc\n"));
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors read = SafeTensors.open(file, arena, Check.CONTENT);
      assertEquals(Map.of("step", "17", "quoted", "a \"b\" \u2028 \u00fc\n"), read.metadata());
      assertEquals(tensors.keySet(), read.tensors().keySet());
      tensors.forEach(
          (name, entry) -> {
            Entry found = read.tensor(name);
            assertEquals(entry.type(), found.type(), name);
            assertArrayEquals(entry.shape(), found.shape(), name);
            assertEquals(-1, entry.data().mismatch(found.data()), name);
            assertEquals(0, found.data().address() % entry.type().bytes(), name + " is unaligned");
          });
      assertThrows(IllegalArgumentException.class, () -> read.tensor("absent"));
    }
  }

  @Test
  void theFileIsTheFormatByteForByte() throws IOException {
    Path file = folder.resolve("one.safetensors");
    SafeTensors.write(
        file, Map.of("w", entry(ElementType.U8, new byte[] {'a', 'b', 'c'}, 3)), Map.of());
    // SHA-256 of "abc": FIPS 180-4's own example. Its CRC-32C is not from Kantor's code either.
    String json =
        "{\"__metadata__\":{\"crc32c\":\"364b3fb7\",\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"},"
            + "\"w\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}";
    int length = (json.length() + 7) / 8 * 8;
    ByteBuffer expected = ByteBuffer.allocate(8 + length + 3).order(ByteOrder.LITTLE_ENDIAN);
    expected
        .putLong(length)
        .put(
            (json + " ".repeat(length - json.length()) + "abc")
                .getBytes(StandardCharsets.US_ASCII));
    assertArrayEquals(expected.array(), Files.readAllBytes(file));
  }

  @Test
  void arraysOnTheHeapAreWrittenAsAnyOther() throws IOException {
    float[] numbers = new float[100_003];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = i * 0.37f;
    }
    Path heap = folder.resolve("heap");
    Path direct = folder.resolve("direct");
    try (Arena arena = Arena.ofConfined()) {
      long[] shape = {numbers.length};
      SafeTensors.write(
          heap,
          Map.of("x", new Entry(ElementType.F32, shape, MemorySegment.ofArray(numbers))),
          Map.of());
      MemorySegment copy = arena.allocateFrom(ValueLayout.JAVA_FLOAT, numbers);
      SafeTensors.write(direct, Map.of("x", new Entry(ElementType.F32, shape, copy)), Map.of());
    }
    assertEquals(-1, Files.mismatch(heap, direct));
  }

  @Test
  void theOrderOfTheMapDoesNotMatter() throws IOException {
    Map<String, Entry> reversed = new LinkedHashMap<>();
    sample().sequencedEntrySet().reversed().forEach(e -> reversed.put(e.getKey(), e.getValue()));
    SafeTensors.write(folder.resolve("a"), sample(), Map.of("k", "1", "l", "2"));
    SafeTensors.write(folder.resolve("b"), reversed, Map.of("l", "2", "k", "1"));
    assertEquals(-1, Files.mismatch(folder.resolve("a"), folder.resolve("b")));
  }

  @Test
  void everyFlippedDataBitIsFoundByTheChecksum() throws IOException {
    Path file = folder.resolve("flip.safetensors");
    SafeTensors.write(file, sample(), Map.of());
    byte[] good = Files.readAllBytes(file);
    for (int i = dataStart(good); i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 0x04;
      Files.write(file, bad);
      try (Arena arena = Arena.ofConfined()) {
        SafeTensors.open(file, arena, Check.STRUCTURE);
        FormatException e =
            assertThrows(FormatException.class, () -> SafeTensors.open(file, arena, Check.CONTENT));
        assertTrue(e.getMessage().contains("damaged"), e.getMessage());
      }
    }
  }

  @Test
  void everyFlippedBitOfAnArrayThatIsUsedIsFound() throws IOException {
    Path file = folder.resolve("flip.safetensors");
    SafeTensors.write(file, sample(), Map.of());
    byte[] good = Files.readAllBytes(file);
    for (String used : sample().keySet()) {
      int found = 0;
      for (int i = dataStart(good); i < good.length; i++) {
        byte[] bad = good.clone();
        bad[i] ^= 0x20;
        Files.write(file, bad);
        try (Arena arena = Arena.ofConfined()) {
          SafeTensors.open(file, arena, Set.of(used));
        } catch (FormatException e) {
          assertTrue(e.getMessage().contains("damaged: the CRC-32C of tensor " + used + " is"));
          found++;
        }
      }
      assertEquals(sample().get(used).data().byteSize(), found, used);
    }
  }

  @Test
  void aTruncatedFileIsFoundWhateverIsUsed() throws IOException {
    Path file = folder.resolve("short.safetensors");
    SafeTensors.write(file, sample(), Map.of());
    byte[] good = Files.readAllBytes(file);
    for (int n = 0; n < good.length; n++) {
      Files.write(file, Arrays.copyOf(good, n));
      try (Arena arena = Arena.ofConfined()) {
        assertThrows(FormatException.class, () -> SafeTensors.open(file, arena, Set.of("counter")));
      }
    }
  }

  @Test
  void aFileWithOneChecksumForAllIsCheckedAsAWhole() throws IOException {
    Path file = folder.resolve("old.safetensors");
    SafeTensors.write(file, sample(), Map.of());
    byte[] bytes = Files.readAllBytes(file);
    // As files were written before there was a checksum for each: the key is another's.
    String header = new String(bytes, 8, dataStart(bytes) - 8, StandardCharsets.UTF_8);
    byte[] old = header.replace("\"crc32c\"", "\"nobody\"").getBytes(StandardCharsets.UTF_8);
    System.arraycopy(old, 0, bytes, 8, old.length);
    Files.write(file, bytes);
    try (Arena arena = Arena.ofConfined()) {
      assertEquals(
          sample().keySet(), SafeTensors.open(file, arena, Set.of("counter")).tensors().keySet());
      bytes[bytes.length - 1] ^= 1; // the last of the pixels, which are not used
      Files.write(file, bytes);
      assertTrue(
          assertThrows(
                  FormatException.class, () -> SafeTensors.open(file, arena, Set.of("counter")))
              .getMessage()
              .contains("damaged: the SHA-256"));
    }
  }

  private static int dataStart(byte[] file) {
    return 8 + (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}                             | ok",
        "{}                                                                                 | its"
            + " tensors take 0",
        "{'a':{'dtype':'F32','shape':[],'data_offsets':[0,4]}}                              | ok",
        "{'a':{'dtype':'F32','shape':[2,0],'data_offsets':[0,0]},'b':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}"
            + " | ok",
        "{'a':{'dtype':'BF16','shape':[2],'data_offsets':[0,4]}}                            | has"
            + " the type BF16; supported are",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}                             | takes"
            + " 8 bytes",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}                             |"
            + " starts at byte 4; expected 0",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}                             | the"
            + " file is truncated",
        "{'a':{'dtype':'U8','shape':[3],'data_offsets':[0,3]}}                              | holds"
            + " 4 bytes of data, but its tensors take 3",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[4,0]}}                              | takes"
            + " 4 bytes",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[2],'data_offsets':[2,4]}}"
            + " | starts at byte 2; expected 4",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}"
            + " | appears twice",
        "{'a':{'dtype':'U8','shape':[4],'shape':[4],'data_offsets':[0,4]}}                  | has"
            + " shape twice",
        "{'a':{'dtype':'U8','shape':[-4],'data_offsets':[0,4]}}                             | has"
            + " -4 in its shape",
        "{'a':{'dtype':'U8','shape':[4.0],'data_offsets':[0,4]}}                            | has"
            + " 4.0 in its shape",
        "{'a':{'dtype':'U8','shape':['4'],'data_offsets':[0,4]}}                            | has"
            + " STRING in its shape",
        "{'a':{'dtype':'F64','shape':[4294967296,4294967296],'data_offsets':[0,4]}}         |"
            + " impossible shape",
        "{'a':{'dtype':'U8','shape':[99999999999999999999],'data_offsets':[0,4]}}           |"
            + " expected a whole number",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4,4]}}                            | two"
            + " data_offsets",
        "{'a':{'dtype':'U8','shape':[4]}}                                                   | needs"
            + " dtype, shape",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4],'x':1}}                        |"
            + " unknown field x",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}} x                            | not"
            + " what the format asks for",
        "{'a':7}                                                                            | not"
            + " what the format asks for",
        "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}                               | not"
            + " what the format asks for",
        "{'__metadata__':{'n':1},'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}       |"
            + " metadata n is NUMBER",
        "['a']                                                                              | does"
            + " not start with {",
      })
  void headersAreChecked(String json, String expected) throws IOException {
    byte[] header = json.strip().replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    Path file =
        Files.write(
            folder.resolve("x"), bytes.putLong(header.length).put(header).putInt(1).array());
    try (Arena arena = Arena.ofConfined()) {
      if (expected.equals("ok")) {
        SafeTensors.open(file, arena, Check.STRUCTURE).tensor("a");
      } else {
        FormatException e =
            assertThrows(
                FormatException.class, () -> SafeTensors.open(file, arena, Check.STRUCTURE));
        assertTrue(
            e.getMessage().startsWith(file.toString()) && e.getMessage().contains(expected),
            e.getMessage());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"-1", "0", "1", "9223372036854775807", "100000001", "9"})
  void impossibleHeaderLengthsAreNamed(long length) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).putLong(0);
    Path file = Files.write(folder.resolve("x"), bytes.array());
    try (Arena arena = Arena.ofConfined()) {
      FormatException e =
          assertThrows(FormatException.class, () -> SafeTensors.open(file, arena, Check.STRUCTURE));
      assertTrue(e.getMessage().contains("claims a header of"), e.getMessage());
    }
  }

  @Test
  void aForeignFileHasNoChecksumAndSaysSo() throws IOException {
    byte[] header = "{}".getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(2).put(header);
    Path file = Files.write(folder.resolve("foreign"), bytes.array());
    try (Arena arena = Arena.ofConfined()) {
      assertEquals(Map.of(), SafeTensors.open(file, arena, Check.STRUCTURE).tensors());
      assertTrue(
          assertThrows(FormatException.class, () -> SafeTensors.open(file, arena, Check.CONTENT))
              .getMessage()
              .contains("has no checksum"));
    }
  }

  @Test
  void reservedNamesAreRefused() {
    Path file = folder.resolve("x");
    assertThrows(
        IllegalArgumentException.class,
        () ->
            SafeTensors.write(
                file, Map.of("__metadata__", entry(ElementType.U8, new byte[1], 1)), Map.of()));
    assertThrows(
        IllegalArgumentException.class,
        () -> SafeTensors.write(file, Map.of(), Map.of("sha256", "00")));
    assertThrows(
        IllegalArgumentException.class,
        () -> SafeTensors.write(file, Map.of(), Map.of("crc32c", "00")));
    assertThrows(IllegalArgumentException.class, () -> entry(ElementType.F32, new byte[5], 1));
    assertTrue(Files.notExists(file));
  }

  @Test
  void everyMutationIsReadOrRefused() throws IOException {
    Random random = new Random(2);
    Path file = folder.resolve("fuzz.safetensors");
    SafeTensors.write(file, sample(), Map.of("step", "17"));
    byte[] valid = Files.readAllBytes(file);
    int refused = 0;
    for (int i = 0; i < FUZZ_CASES; i++) {
      Mutations.put(file, Mutations.mutate(valid, random));
      try (Arena arena = Arena.ofConfined()) {
        SafeTensors read =
            switch (i % 3) {
              case 0 -> SafeTensors.open(file, arena, Check.STRUCTURE);
              case 1 -> SafeTensors.open(file, arena, Check.CONTENT);
              default -> SafeTensors.open(file, arena, sample().keySet());
            };
        read.tensors().values().forEach(entry -> entry.data().toArray(ValueLayout.JAVA_BYTE));
      } catch (FormatException e) {
        refused++;
      }
    }
    assertTrue(
        refused > FUZZ_CASES / 2 && refused < FUZZ_CASES,
        refused + " of " + FUZZ_CASES + " refused");
  }

  private static LinkedHashMap<String, Entry> sample() {
    LinkedHashMap<String, Entry> tensors = new LinkedHashMap<>();
    tensors.put("pixels", entry(ElementType.U8, random(15), 3, 5));
    tensors.put("generator.0.weight", entry(ElementType.F32, random(24), 2, 3));
    tensors.put("counter", entry(ElementType.I64, random(8)));
    tensors.put("empty", entry(ElementType.F32, random(0), 4, 0));
    tensors.put("order \"\u00e4\"", entry(ElementType.I32, random(20), 5));
    tensors.put("double", entry(ElementType.F64, random(16), 2));
    return tensors;
  }

  private static Entry entry(ElementType type, byte[] data, long... shape) {
    return new Entry(type, shape, MemorySegment.ofArray(data));
  }

  private static byte[] random(int count) {
    byte[] data = new byte[count];
    new Random(count).nextBytes(data);
    return data;
  }
}
