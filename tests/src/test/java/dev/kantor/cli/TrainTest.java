package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.cli.Kantor.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"gan", "wgan", "wgan-gp"})
  void leavesACompleteRun(String variant) throws IOException {
    Path run = folder.resolve("run");
    List<Object> args =
        new java.util.ArrayList<>(
            List.of("train", variant, "--out", run, "--epochs", 2, "--seed", 7));
    args.addAll(Kantor.SMALL);
    Result result =
        Kantor.run(args.toArray())
            .expect(0)
            .says("cpu", "glyphs, 640 images of 1x28x28", "epoch 2/2", "images/s");
    assertEquals(run + "\n", result.out());
    for (String file :
        List.of(
            "manifest.json",
            "curves.png",
            "samples/epoch-0000.png",
            "samples/epoch-0001.png",
            "samples/epoch-0002.png",
            "checkpoints/iteration-00000010.safetensors",
            "checkpoints/iteration-00000020.safetensors")) {
      assertTrue(Files.size(run.resolve(file)) > 0, file);
    }
    JsonObject configuration =
        JsonParser.parseString(Files.readString(run.resolve("manifest.json")))
            .getAsJsonObject()
            .getAsJsonObject("configuration");
    assertEquals(variant, configuration.get("variant").getAsString());
    assertEquals("7", configuration.get("seed").getAsString());
    assertEquals("16,16", configuration.get("critic-hidden").getAsString());
    List<String> rows = Files.readAllLines(run.resolve("metrics.csv"));
    assertEquals(1 + 20, rows.size());
    assertTrue(
        rows.getFirst()
            .startsWith("iteration,epoch,samples,seconds,critic_loss,generator_loss,distance"),
        rows.getFirst());
    JsonObject last =
        JsonParser.parseString(Files.readAllLines(run.resolve("metrics.jsonl")).getLast())
            .getAsJsonObject();
    assertEquals(20, last.get("iteration").getAsLong());
    assertEquals(2.0, last.get("epoch").getAsDouble());
    assertEquals(20 * 2 * 32, last.get("samples").getAsLong());
    assertEquals(rows.getLast().split(",")[4], last.get("critic_loss").getAsString());
  }

  @Test
  void threadsAndRowsChangeNoBit() throws IOException {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    Kantor.train(one, "--epochs", 2, "--threads", 1).expect(0);
    Kantor.train(two, "--epochs", 2, "--threads", 2, "--log-every", 7).expect(0);
    Map<String, byte[]> expected = Kantor.tensors(Kantor.last(one));
    Kantor.tensors(Kantor.last(two))
        .forEach((name, bytes) -> assertArrayEquals(expected.get(name), bytes, name));
    assertEquals(1 + 2, Files.readAllLines(two.resolve("metrics.csv")).size());
    assertArrayEquals(
        Files.readAllBytes(one.resolve("samples/epoch-0002.png")),
        Files.readAllBytes(two.resolve("samples/epoch-0002.png")));
  }

  @Test
  void seedDecides() throws IOException {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    Kantor.train(one, "--iterations", 3).expect(0);
    Kantor.train(two, "--iterations", 3, "--seed", 2).expect(0);
    assertFalse(
        java.util.Arrays.equals(
            Kantor.tensors(Kantor.last(one)).get("generator.0.weight"),
            Kantor.tensors(Kantor.last(two)).get("generator.0.weight")));
  }

  @Test
  void keepsTheLastCheckpoints() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 5, "--checkpoint-every", 2, "--keep", 2).expect(0);
    assertEquals(
        List.of(40L, 50L), Kantor.checkpoints(run).stream().map(Kantor::iteration).toList());
  }

  @Test
  void endsAfterATime() throws IOException {
    Path run = folder.resolve("run");
    Kantor.train(run, "--minutes", 0.01).expect(0);
    assertTrue(Kantor.iteration(Kantor.last(run)) > 0);
  }

  @Test
  void laterSourcesOfSettingsWin() throws IOException {
    Path config = folder.resolve("config");
    Files.writeString(
        config,
        "# comment\nlearning-rate = 3e-4\nbatch-size=16\nbeta1 = 0.1\nepochs = 1\nseed = 9\n");
    Path run = folder.resolve("run");
    Kantor.train(run, "--config", config, "--set", "beta1=0.2", "--iterations", 1).expect(0);
    JsonObject manifest =
        JsonParser.parseString(Files.readString(run.resolve("manifest.json"))).getAsJsonObject();
    JsonObject c = manifest.getAsJsonObject("configuration");
    assertEquals("3e-4", c.get("learning-rate").getAsString());
    assertEquals("32", c.get("batch-size").getAsString());
    assertEquals("0.2", c.get("beta1").getAsString());
    assertEquals("9", c.get("seed").getAsString());
    assertEquals("iterations", manifest.getAsJsonObject("goal").get("unit").getAsString());
    assertEquals("10", c.get("penalty-weight").getAsString());
  }

  @Test
  void dryRunWritesNothing() {
    Path run = folder.resolve("run");
    Result text = Kantor.train(run, "--dry-run").expect(0);
    assertTrue(
        text.out().contains("MFLOP")
            && text.out().contains("floor")
            && text.out().contains("measured:"),
        text.out());
    JsonObject json =
        JsonParser.parseString(
                Kantor.train(run, "--dry-run", "--json", "--epochs", 3).expect(0).out())
            .getAsJsonObject();
    assertEquals(30, json.get("iterations").getAsLong());
    assertTrue(json.get("secondsPerIteration").getAsDouble() > 0);
    assertTrue(json.get("stateBytes").getAsLong() > 0);
    assertFalse(Files.exists(run));
  }

  @Test
  void resultAsJson() {
    Path run = folder.resolve("run");
    JsonObject o =
        JsonParser.parseString(Kantor.train(run, "--epochs", 1, "--json").expect(0).out())
            .getAsJsonObject();
    assertEquals(run.toString(), o.get("run").getAsString());
    assertEquals(10, o.getAsJsonObject("metrics").get("iteration").getAsLong());
  }
}
