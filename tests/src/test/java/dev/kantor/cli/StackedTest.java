package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.io.Idx;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Three digits as one picture in colour; drawn digits take the place of MNIST's here. */
class StackedTest {
  private static final int DIGITS = 200;

  @TempDir private static Path folder;

  @BeforeAll
  static void digits() throws IOException {
    Path mnist = Files.createDirectory(folder.resolve("mnist"));
    for (String part : List.of("train", "t10k")) {
      ImageSet set =
          (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(DIGITS));
      Idx.write(mnist.resolve(part + "-images-idx3-ubyte"), set.images(), DIGITS, 28, 28);
      byte[] labels = new byte[DIGITS];
      for (int i = 0; i < DIGITS; i++) {
        labels[i] = (byte) set.label(i);
      }
      Idx.write(mnist.resolve(part + "-labels-idx1-ubyte"), MemorySegment.ofArray(labels), DIGITS);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "wgan-gp,generator-hidden=16,critic-hidden=16",
    "dcgan,generator-channels=4|4,critic-channels=4|4",
  })
  void trainsInColour(String variant, String generator, String critic) throws IOException {
    Path run = folder.resolve(variant);
    Kantor.run(
            "train",
            variant,
            "--data",
            "stacked-mnist",
            "--data-dir",
            folder,
            "--limit",
            96,
            "--batch-size",
            16,
            "--critic-steps",
            2,
            "--epochs",
            1,
            "--out",
            run,
            "--set",
            "critic-dense=8",
            "--set",
            generator.replace('|', ','),
            "--set",
            critic.replace('|', ','))
        .expect(0)
        .says("stacked-mnist, 96 images of 3x28x28");
    BufferedImage grid = ImageIO.read(run.resolve("samples/epoch-0001.png").toFile());
    assertEquals(3, grid.getRaster().getNumBands());
    int coloured = 0;
    for (int y = 0; y < grid.getHeight(); y++) {
      for (int x = 0; x < grid.getWidth(); x++) {
        int rgb = grid.getRGB(x, y);
        coloured += (rgb >> 16 & 0xFF) != (rgb & 0xFF) ? 1 : 0;
      }
    }
    assertTrue(coloured > grid.getWidth() * grid.getHeight() / 4, coloured + " pixels of colour");
    Path npy = folder.resolve(variant + ".npy");
    Kantor.run("sample", run, "--count", 5, "--out", npy).expect(0);
    String header = new String(Files.readAllBytes(npy), 0, 128, StandardCharsets.ISO_8859_1);
    assertTrue(header.contains("(5, 3, 28, 28)"), header);
    JsonObject result =
        JsonParser.parseString(
                Kantor.run(
                        "evaluate",
                        run,
                        "--count",
                        150,
                        "--judges",
                        folder.resolve("judges"),
                        "--judge-epochs",
                        2,
                        "--json")
                    .expect(0)
                    .out())
            .getAsJsonObject();
    JsonObject samples = result.getAsJsonObject("samples");
    assertEquals(150, samples.get("count").getAsInt());
    assertEquals(1000, samples.getAsJsonArray("histogram").size());
    double modes = samples.getAsJsonObject("modes-covered").get("value").getAsDouble();
    double divergence = samples.getAsJsonObject("reverse-kl").get("value").getAsDouble();
    assertTrue(modes >= 1 && modes <= 150, samples.toString());
    // Between one of a thousand and as many as there are samples.
    assertTrue(
        divergence <= Math.log(1000) + 1e-9 && divergence >= Math.log(1000.0 / 150) - 1e-9,
        samples.toString());
    assertTrue(samples.has("fd-judge"), samples.toString());
    // It is the digits' judge: the same for both runs.
    try (Stream<Path> judges = Files.list(folder.resolve("judges"))) {
      List<String> names = judges.map(f -> f.getFileName().toString()).toList();
      assertEquals(1, names.size(), names.toString());
      assertTrue(names.getFirst().contains("-mnist-"), names.toString());
    }
  }
}
