package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.io.Idx;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Convolutional variants, the CVAE-GAN and the classifier through the same commands as the rest.
 */
class ModelsTest {
  private static final List<String> CONV =
      List.of("critic-channels=3,5", "critic-dense=16", "generator-channels=6,4");
  private static final List<String> CVAE =
      List.of(
          "critic-channels=3,5",
          "critic-dense=16",
          "encoder-channels=3,5,4",
          "decoder-channels=5,3",
          "latent=8",
          "ema=0.5");

  @TempDir static Path folder;
  private static Path cvae;

  @BeforeAll
  static void train() {
    cvae = folder.resolve("trained");
    train("cvae-gan", cvae, 2);
  }

  /** Ten iterations an epoch. */
  private static Kantor.Result train(String variant, Path run, int epochs) {
    List<Object> args =
        new ArrayList<>(
            List.of(
                "train",
                variant,
                "--data",
                "glyphs",
                "--limit",
                160,
                "--batch-size",
                16,
                "--log-every",
                2,
                "--out",
                run,
                "--epochs",
                epochs));
    List<String> settings =
        switch (variant) {
          case "cvae-gan" -> CVAE;
          case "classifier" -> CONV.subList(0, 2);
          default -> CONV;
        };
    settings.forEach(s -> args.addAll(List.of("--set", s)));
    if (variant.startsWith("wdcgan")) {
      args.addAll(List.of("--critic-steps", 1));
    }
    return Kantor.run(args.toArray()).expect(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dcgan", "wdcgan", "wdcgan-gp", "cvae-gan", "classifier"})
  void aResumedRunEqualsOneInOneGo(String variant) throws IOException {
    Path straight = folder.resolve(variant + "-straight");
    Path parts = folder.resolve(variant + "-parts");
    train(variant, straight, 2);
    train(variant, parts, 1);
    Kantor.run("resume", parts, "--epochs", 2, "--threads", 1).expect(0);
    Kantor.assertSameRun(straight, parts);
    if (!variant.equals("classifier")) {
      assertTrue(Files.exists(parts.resolve("samples/epoch-0002.png")));
      Path out = folder.resolve(variant + ".png");
      Kantor.run("sample", parts, "--count", 4, "--out", out).expect(0);
      assertTrue(Files.exists(out));
    }
  }

  private static byte[] sample(int count, Object... more) throws IOException {
    Path file = folder.resolve("samples.idx");
    List<Object> args = new ArrayList<>(List.of("sample", cvae, "--out", file));
    args.addAll(List.of(more));
    Kantor.run(args.toArray()).expect(0);
    try (Arena arena = Arena.ofConfined()) {
      Idx idx = Idx.read(file, 3, arena);
      assertArrayEquals(new long[] {count, 28, 28}, idx.dims());
      return idx.data().toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static byte[] image(byte[] all, int index) {
    return Arrays.copyOfRange(all, index * 784, (index + 1) * 784);
  }

  @Test
  void theClassAskedForDecidesTheSample() throws IOException {
    byte[] sevens = sample(13, "--count", 13, "--class", 7);
    byte[] turns = sample(13, "--count", 13);
    // The noise is the same, and sample 7 of the classes in turn is a 7.
    assertArrayEquals(image(sevens, 7), image(turns, 7));
    assertFalse(Arrays.equals(image(sevens, 6), image(turns, 6)));
    byte[] rows = sample(40, "--all-classes", "--count", 4);
    assertFalse(Arrays.equals(image(rows, 0), image(rows, 4)));
  }

  @Test
  void interpolatesFromOneNoiseToAnother() throws IOException {
    byte[] ends = sample(5, "--count", 5, "--class", 3);
    byte[] way = sample(5, "--interpolate", "--count", 5, "--class", 3);
    assertArrayEquals(image(ends, 0), image(way, 0));
    int apart = 0;
    for (int i = 0; i < 784; i++) {
      apart = Math.max(apart, Math.abs((ends[784 + i] & 0xff) - (way[4 * 784 + i] & 0xff)));
    }
    assertTrue(apart <= 1, "the last step is the second sample, not " + apart + " apart");
    Path animation = folder.resolve("way.apng");
    Kantor.run("sample", cvae, "--interpolate", "--out", animation).expect(0);
    String bytes = Files.readString(animation, StandardCharsets.ISO_8859_1);
    // 30 steps there and 28 back.
    assertEquals(58, bytes.split("fcTL", -1).length - 1);
  }

  @Test
  void drawsReconstructionsBelowTheirImages() throws IOException {
    Path out = folder.resolve("reconstructions.png");
    Kantor.run("sample", cvae, "--reconstruct", "--count", 20, "--out", out).expect(0);
    BufferedImage grid = ImageIO.read(out.toFile());
    assertEquals(2 * (2 + 10 * 30), grid.getWidth());
    assertEquals(2 * (2 + 4 * 30), grid.getHeight());
    byte[] pairs = sample(40, "--reconstruct", "--count", 20);
    assertFalse(Arrays.equals(image(pairs, 0), image(pairs, 10)));
  }

  @Test
  void aClassifierSaysHowOftenItIsRight() throws IOException {
    Path run = folder.resolve("classifier");
    train("classifier", run, 2).says("test images are classified correctly");
    Kantor.run("sample", run, "--count", 1, "--out", folder.resolve("no.png"))
        .expect(1)
        .says("classifier draws no samples");
    assertTrue(Files.exists(run.resolve("curves.png")));
  }

  @Test
  void saysWhatDoesNotGoTogether() {
    Path out = folder.resolve("never.png");
    Kantor.run("sample", cvae, "--class", 10, "--count", 1, "--out", out)
        .expect(2)
        .says("there are 0 to 9");
    Kantor.run("sample", cvae, "--class", 1, "--all-classes", "--out", out)
        .expect(2)
        .says("exclude each other");
    Kantor.run("sample", cvae, "--count", 1, "--out", folder.resolve("never.apng"))
        .expect(2)
        .says("--interpolate");
    Kantor.run("sample", cvae, "--reconstruct", "--interpolate", "--out", out).expect(2);
    Kantor.run("train", "cvae-gan", "--data", "glyphs", "--set", "classes=9", "--out", out)
        .expect(2)
        .says("classes=10");
    Kantor.run("train", "classifier", "--critic-steps", 2, "--out", out)
        .expect(2)
        .says("critic-steps");
    assertFalse(Files.exists(out));
  }
}
