package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.cli.Kantor.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "trian wgan-gp | kantor train",
        "train | VARIANT",
        "train wgan-pg | wgan-gp",
        "train wgan-gp --epoch 3 | --epochs",
        "train wgan-gp --epochs three | --epochs",
        "train wgan-gp --epochs 0 | epochs must be a positive whole number",
        "train wgan-gp --epochs 3 --minutes 3 | mutually exclusive",
        "train wgan-gp --set learning-rat=3 | did you mean 'learning-rate'",
        "train wgan-gp --set learning-rate=fast | learning-rate",
        "train wgan-gp --set learning-rate | KEY=VALUE",
        "train wgan-gp --set seed=3 | --seed 3",
        "train wgan-gp --set optimizer=adma | adam, rmsprop, sgd",
        "train wgan-gp --batch-size 0 | batch-size",
        "train wgan-gp --keep 0 | keep",
        "train wgan-gp --device gpu | cpu-avx2",
        "train wgan-gp --threads 0 --data glyphs | --threads",
        "train wgan-gp --precision fp8 | fp32",
        "train wgan-gp --config /nowhere/file | /nowhere/file",
        "train wgan-gp --data glyphs --limit 10 | smaller batch-size",
        "train wgan-gp --port 8080 | --watch",
        "train wgan-gp --data glyphs --limit 640 --watch --port 70000 | 0 (any that is free) to"
            + " 65535",
        "watch | RUN",
        "watch runs/first --port http | --port",
        "info --settings wgan-pg | wgan-gp",
        "info --program wgan --set clip=-1 | clip",
        "help loses | losses",
      })
  void wrongUsageSaysWhatWouldBeRight(String args, String hint) {
    Kantor.run((Object[]) args.split(" ")).expect(2).says(hint, "--help");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "train wgan-gp --device cuda:99 | cuda",
        "train wgan-gp --device cpu --precision bf16 | needs a GPU",
        "train wgan-gp --data no-such-folder | no-such-folder",
        "watch no-such-run | is not the folder of a run",
      })
  void whatCannotBeDoneHereFailsInOneLine(String args, String hint) {
    Result r = Kantor.run((Object[]) args.split(" ")).expect(1).says(hint);
    assertEquals(1, r.err().lines().count(), r.err());
  }

  @Test
  void aTraceComesOnlyIfAskedFor() {
    assertFalse(Kantor.run("train", "gan", "--device", "cuda:99").err().contains("\tat "));
    Kantor.run("train", "gan", "--device", "cuda:99", "--verbose")
        .expect(1)
        .says("\tat dev.kantor");
  }

  @Test
  void aFolderThatIsInUseIsRefused() throws IOException {
    Files.writeString(folder.resolve("file"), "");
    Kantor.train(folder, "--epochs", 1).expect(1).says("is not empty", "kantor resume");
  }

  @Test
  void aConfigurationFileNamesItsErrors() throws IOException {
    Path config = folder.resolve("config");
    Files.writeString(config, "latent = 8\nnonsense\n");
    Kantor.run("train", "gan", "--config", config).expect(2).says(config + ":2", "nonsense");
    Files.writeString(config, "seed = x\n");
    Kantor.run("train", "gan", "--config", config).expect(2).says("seed is 'x'");
    Files.writeString(config, "epochs = 1\nminutes = 1\n");
    Kantor.run("train", "gan", "--config", config)
        .expect(2)
        .says("epochs and minutes exclude each other");
    Files.writeString(config, "thread = 1\n");
    Kantor.run("train", "gan", "--config", config).expect(2).says("'thread'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train",
        "resume",
        "sample",
        "evaluate",
        "compare",
        "watch",
        "info",
        "completion",
        "help"
      })
  void everyCommandExplainsItself(String command) {
    String byOption = Kantor.run(command, "--help").expect(0).out();
    assertTrue(byOption.contains("Usage: kantor " + command), byOption);
    assertEquals(byOption, Kantor.run("help", command).expect(0).out());
  }

  @Test
  void topicsAreThere() {
    for (String topic : HelpCommand.TOPICS) {
      assertTrue(Kantor.run("help", topic).expect(0).out().length() > 500, topic);
    }
    assertTrue(Kantor.run("help", "losses").out().contains("negative"));
    String runs = Kantor.run("help", "runs").out();
    assertTrue(runs.contains("kantor watch RUN") && runs.contains("--tensorboard"), runs);
    assertTrue(Kantor.run("help").expect(0).out().contains("losses"));
    Kantor.run().expect(2).says("Usage: kantor");
  }

  @Test
  void completionIsAShellScript() throws IOException, InterruptedException {
    Path script =
        Files.writeString(folder.resolve("completion"), Kantor.run("completion").expect(0).out());
    assertTrue(Files.readString(script).contains("--critic-steps"));
    assertEquals(0, new ProcessBuilder("bash", "-n", script.toString()).start().waitFor());
  }

  @Test
  void infoDescribesTheMachine() {
    assertTrue(Kantor.run("info").expect(0).out().contains("data folder"));
    JsonObject o =
        JsonParser.parseString(Kantor.run("info", "--json", "--threads", 1).expect(0).out())
            .getAsJsonObject();
    assertEquals(1, o.getAsJsonObject("device").get("threads").getAsInt());
  }

  @Test
  void infoListsSettings() {
    assertTrue(Kantor.run("info", "--settings", "wgan-gp").expect(0).out().contains("Gulrajani"));
    JsonArray all =
        JsonParser.parseString(Kantor.run("info", "--settings", "wgan", "--json").expect(0).out())
            .getAsJsonArray();
    List<String> clip =
        all.asList().stream()
            .map(e -> e.getAsJsonObject())
            .filter(e -> e.get("name").getAsString().equals("clip"))
            .map(e -> e.get("default").getAsString())
            .toList();
    assertEquals(List.of("0.05"), clip);
  }

  @Test
  void infoShowsTheProgram() {
    String text =
        Kantor.run("info", "--program", "wgan-gp", "--set", "critic-steps=1").expect(0).out();
    for (String part :
        List.of("As written", "As it runs", "matmul", "MFLOP", "floor", "measured:")) {
      assertTrue(text.contains(part), part + " is not in " + text);
    }
    JsonObject o =
        JsonParser.parseString(Kantor.run("info", "--program", "gan", "--json").expect(0).out())
            .getAsJsonObject();
    assertTrue(o.get("floorSeconds").getAsDouble() > 0);
    assertTrue(o.get("kernels").getAsInt() < o.get("nodes").getAsInt());
  }

  @Test
  void infoDescribesARun() {
    Path run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1).expect(0);
    String text = Kantor.run("info", run).expect(0).out();
    assertTrue(
        text.contains("learning-rate") && text.contains("critic_loss") && text.contains("1 epoch"),
        text);
    JsonObject o =
        JsonParser.parseString(Kantor.run("info", run, "--json").expect(0).out()).getAsJsonObject();
    assertEquals(10, o.getAsJsonObject("metrics").get("iteration").getAsLong());
    assertEquals(10, o.getAsJsonArray("checkpoints").get(0).getAsLong());
    assertEquals(
        "wgan-gp",
        o.getAsJsonObject("manifest")
            .getAsJsonObject("configuration")
            .get("variant")
            .getAsString());
  }
}
