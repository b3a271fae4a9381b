package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.kantor.io.Idx;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleTest {
  private static final int COUNT = 103;

  @TempDir private static Path folder;

  private static Path run;

  @BeforeAll
  static void train() {
    run = folder.resolve("run");
    Kantor.train(run, "--epochs", 2, "--set", "ema=0.9").expect(0);
  }

  private static byte[] idx(Path file, Object... more) throws IOException {
    Object[] args =
        Stream.concat(Stream.of("sample", run, "--count", COUNT, "--out", file), Stream.of(more))
            .toArray();
    Kantor.run(args).expect(0);
    try (Arena arena = Arena.ofConfined()) {
      Idx idx = Idx.read(file, 3, arena);
      assertArrayEquals(new long[] {COUNT, 28, 28}, idx.dims());
      return idx.data().toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @Test
  void allFormsHoldTheSameSamples() throws IOException {
    byte[] bytes = idx(folder.resolve("a.idx"));

    Path npy = folder.resolve("a.npy");
    Kantor.run("sample", run, "--count", COUNT, "--out", npy).expect(0);
    ByteBuffer floats = ByteBuffer.wrap(Files.readAllBytes(npy)).order(ByteOrder.LITTLE_ENDIAN);
    floats.position(floats.capacity() - 4 * bytes.length);
    for (byte b : bytes) {
      assertEquals(b & 0xFF, (floats.getFloat() + 1) * 127.5, 0.51);
    }

    Path pictures = folder.resolve("pictures");
    Kantor.run("sample", run, "--count", COUNT, "--out", pictures).expect(0);
    BufferedImage last = ImageIO.read(pictures.resolve("000102.png").toFile());
    assertEquals(bytes[102 * 784 + 28 * 14 + 14] & 0xFF, last.getRaster().getSample(14, 14, 0));
    try (Stream<Path> files = Files.list(pictures)) {
      assertEquals(COUNT, files.count());
    }

    Path png = folder.resolve("a.png");
    Kantor.run("sample", run, "--count", COUNT, "--out", png).expect(0);
    BufferedImage grid = ImageIO.read(png.toFile());
    // Small images are enlarged to twice their size.
    assertEquals(2 * (2 + 11 * 30), grid.getWidth());
    assertEquals(2 * (2 + 10 * 30), grid.getHeight());
    // Sample 102 is in row 9, column 3.
    assertEquals(
        bytes[102 * 784 + 28 * 14 + 14] & 0xFF,
        grid.getRaster().getSample(2 * (2 + 3 * 30 + 14), 2 * (2 + 9 * 30 + 14), 0));
  }

  @Test
  void seedAndCheckpointDecide() throws IOException {
    byte[] a = idx(folder.resolve("b.idx"));
    assertArrayEquals(a, idx(folder.resolve("c.idx"), "--checkpoint", 20, "--threads", 1));
    assertFalse(Arrays.equals(a, idx(folder.resolve("d.idx"), "--seed", 5)));
    assertFalse(Arrays.equals(a, idx(folder.resolve("e.idx"), "--checkpoint", 10)));
  }

  @Test
  void continuesThePictureOfTheEpoch() throws IOException {
    Path png = folder.resolve("hundred.png");
    Kantor.run("sample", run, "--count", 100, "--out", png).expect(0);
    assertArrayEquals(
        Files.readAllBytes(run.resolve("samples/epoch-0002.png")), Files.readAllBytes(png));
  }

  @Test
  void saysWhatItCannotDo() {
    Path out = folder.resolve("x.png");
    Kantor.run("sample", run, "--count", 1, "--out", out, "--checkpoint", "best")
        .expect(1)
        .says("none is the best");
    Kantor.run("sample", run, "--count", 1, "--out", out, "--checkpoint", 11)
        .expect(1)
        .says("there are [20, 10]");
    Kantor.run("sample", run, "--count", 1, "--out", out, "--checkpoint", "newest")
        .expect(2)
        .says("last, best");
    Kantor.run("sample", run, "--count", 1, "--out", out, "--class", 7)
        .expect(1)
        .says("not learnt classes");
    Kantor.run("sample", run, "--count", 0, "--out", out).expect(2).says("--count");
    Kantor.run("sample", run, "--out", out).expect(2).says("--count");
    Kantor.run("sample", folder, "--count", 1, "--out", out)
        .expect(1)
        .says("not the folder of a run");
    Kantor.run("sample", run, "--count", 1, "--out", folder.resolve("no/x.png"))
        .expect(1)
        .says("does not exist");
    assertFalse(Files.exists(out));
  }

  @Test
  void needsNoData() throws IOException {
    Path copy = folder.resolve("copy");
    Files.createDirectories(copy.resolve("checkpoints"));
    Files.copy(
        Kantor.last(run), copy.resolve("checkpoints").resolve(Kantor.last(run).getFileName()));
    String manifest = Files.readString(run.resolve("manifest.json"));
    Files.writeString(
        copy.resolve("manifest.json"),
        manifest.replace("\"data\": \"glyphs\"", "\"data\": \"/nowhere\""));
    Kantor.run("sample", copy, "--count", 3, "--out", folder.resolve("y.png")).expect(0);
  }
}
