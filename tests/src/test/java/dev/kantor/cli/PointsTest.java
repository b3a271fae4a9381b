package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.data.DataSets;
import dev.kantor.data.PointSet;
import dev.kantor.metrics.ModeCoverage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sets whose samples are points of the plane. */
class PointsTest {
  @TempDir private Path folder;

  private static Kantor.Result train(String variant, String data, Path run, Object... more) {
    List<Object> args = new ArrayList<>(List.of("train", variant, "--data", data, "--out", run));
    for (String s : List.of("generator-hidden=32,32", "critic-hidden=32,32", "latent=4")) {
      args.addAll(List.of("--set", s));
    }
    args.addAll(List.of(more));
    return Kantor.run(args.toArray());
  }

  /** The numbers of an .npy file of shape [count, 2]. */
  private static float[] points(Path file, int count) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    String header = new String(bytes, 0, bytes.length - 8 * count, StandardCharsets.ISO_8859_1);
    assertTrue(header.contains("'shape': (" + count + ", 2)"), header);
    float[] values = new float[2 * count];
    ByteBuffer.wrap(bytes, bytes.length - 8 * count, 8 * count)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"gan", "wgan-gp"})
  void resumesAsIfInOneGo(String variant) throws IOException {
    Object[] small = {"--limit", 640, "--batch-size", 32, "--critic-steps", 2};
    Path straight = folder.resolve("straight");
    Path parts = folder.resolve("parts");
    train(variant, "ring", straight, more(small, "--epochs", 2)).expect(0).says("of 8 modes");
    train(variant, "ring", parts, more(small, "--epochs", 1)).expect(0);
    Kantor.run("resume", parts, "--epochs", 2, "--threads", 1).expect(0);
    Kantor.assertSameRun(straight, parts);
    for (String epoch : List.of("epoch-0001.png", "epoch-0002.png")) {
      assertEquals(
          -1,
          Files.mismatch(
              straight.resolve("samples").resolve(epoch), parts.resolve("samples").resolve(epoch)),
          epoch);
    }
  }

  private static Object[] more(Object[] a, Object... b) {
    return Stream.concat(Stream.of(a), Stream.of(b)).toArray();
  }

  @Test
  void evaluationCountsTheModes() throws IOException {
    Path run = folder.resolve("run");
    train("gan", "grid", run, "--limit", 1200, "--epochs", 1).expect(0);
    Kantor.Result table = Kantor.run("evaluate", run, "--count", 500).expect(0);
    for (String part : List.of("modes covered", "of high quality", "reverse KL", "test data")) {
      assertTrue(table.out().contains(part), table.out());
    }
    assertFalse(table.out().contains("FD-judge"), table.out());
    JsonObject result =
        JsonParser.parseString(
                Kantor.run("evaluate", run, "--count", 500, "--json").expect(0).out())
            .getAsJsonObject();
    assertEquals(
        result,
        JsonParser.parseString(
            Files.readString(run.resolve("evaluation-" + result.get("iteration") + ".json"))));
    JsonObject samples = result.getAsJsonObject("samples");
    assertEquals(500, samples.get("count").getAsInt());
    // They say the same of the same samples as the library does.
    Path npy = folder.resolve("points.npy");
    Kantor.run("sample", run, "--count", 500, "--out", npy).expect(0);
    PointSet grid = (PointSet) DataSets.open("grid", DataSets.Options.defaults().withCount(1));
    ModeCoverage expected = ModeCoverage.of(points(npy, 500), grid);
    assertEquals(expected.covered(), value(samples, "modes-covered"));
    assertEquals(expected.highQuality(), value(samples, "high-quality"));
    assertEquals(expected.reverseDivergence(), value(samples, "reverse-kl"));
    // As good as it gets: true points.
    JsonObject test = result.getAsJsonObject("test");
    assertEquals(500, test.get("count").getAsInt());
    assertEquals(25, value(test, "modes-covered"), 1);
    assertTrue(value(test, "high-quality") > 0.95, test.toString());
    Kantor.run("evaluate", run, "--data", "glyphs").expect(1).says("draws samples of plane");
    Kantor.run("evaluate", npy, "--data", "ring").expect(1).says("the folder of a run");
  }

  private static double value(JsonObject of, String measure) {
    return of.getAsJsonObject(measure).get("value").getAsDouble();
  }

  @Test
  void samplesComeToTheRing() throws IOException {
    Path run = folder.resolve("run");
    train("gan", "ring", run, "--iterations", 1500, "--set", "learning-rate=1e-3")
        .expect(0)
        .says("60,000 points of the plane around 8 modes", "of high quality");
    Path npy = folder.resolve("points.npy");
    Kantor.run("sample", run, "--count", 500, "--out", npy).expect(0);
    float[] points = points(npy, 500);
    double off = 0;
    for (int i = 0; i < points.length; i += 2) {
      off += Math.abs(Math.hypot(points[i], points[i + 1]) - 1) / 500;
    }
    // At first they lie around 0.
    assertTrue(off < 0.3, "the samples are " + off + " from the ring");

    Path png = folder.resolve("points.png");
    Kantor.run("sample", run, "--count", 500, "--out", png).expect(0);
    BufferedImage plot = ImageIO.read(png.toFile());
    BufferedImage progress = ImageIO.read(run.resolve("samples/iteration-00001500.png").toFile());
    assertEquals(plot.getWidth(), progress.getWidth());
    assertEquals(2 * plot.getHeight(), progress.getHeight());
    // The landscape is shaded all over, the density at the modes only.
    assertTrue(greys(progress, plot.getHeight()) > 5 * greys(plot, 0));
  }

  private static int greys(BufferedImage picture, int from) {
    int n = 0;
    for (int y = from + 60; y < from + 500; y++) {
      for (int x = 120; x < 560; x++) {
        int rgb = picture.getRGB(x, y);
        int red = rgb >> 16 & 0xFF;
        n += red < 225 && red == (rgb & 0xFF) && red == (rgb >> 8 & 0xFF) ? 1 : 0;
      }
    }
    return n;
  }

  @Test
  void theGridIsBeyondWhatATanhReaches() throws IOException {
    Path run = folder.resolve("run");
    train("wgan-gp", "grid", run, "--iterations", 300, "--set", "learning-rate=1e-3")
        .expect(0)
        .says("of 25 modes");
    Path npy = folder.resolve("points.npy");
    Kantor.run("sample", run, "--count", 200, "--out", npy).expect(0);
    float most = 0;
    for (float v : points(npy, 200)) {
      most = Math.max(most, Math.abs(v));
    }
    assertTrue(most > 1.5, "the farthest coordinate is " + most);
  }

  @Test
  void pointsAreNoImages() {
    Path run = folder.resolve("run");
    train("gan", "ring", run, "--limit", 640, "--epochs", 1).expect(0);
    for (String name : List.of("points.idx", "points.apng", "points")) {
      Path out = folder.resolve(name);
      Kantor.run("sample", run, "--count", 9, "--out", out, "--interpolate")
          .expect(1)
          .says("points, not images", "FILE.npy");
      assertFalse(Files.exists(out));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dcgan --data ring | generator=mlp",
        "gan --data ring --set critic=conv | critic=mlp",
        "cvae-gan --data grid | learns from images",
        "gan --data grid --set diff-augment=color | leave it empty",
      })
  void saysWhatOnlyImagesCanHave(String args, String hint) {
    Path run = folder.resolve("run");
    Kantor.run(more(("train " + args).split(" "), "--out", run)).expect(2).says(hint);
    assertFalse(Files.exists(run));
  }
}
