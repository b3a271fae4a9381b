package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchTest {
  @TempDir private Path folder;

  @Test
  void timesEachCombination() throws IOException {
    Path json = folder.resolve("bench.json");
    Kantor.Result r =
        Kantor.run(
            "bench",
            "--variants",
            "gan,dcgan",
            "--batch-sizes",
            8,
            "--threads",
            "1,2",
            "--rounds",
            2,
            "--seconds",
            0.02,
            "--json",
            json);
    r.expect(Main.DONE);
    assertTrue(r.out().startsWith("cpu ("), r.out());
    assertEquals(
        4, r.out().lines().filter(l -> l.matches("(gan|dcgan) +8 +[12] .*")).count(), r.out());
    JsonObject report = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    assertEquals(4, report.getAsJsonArray("iterations").size());
    for (var e : report.getAsJsonArray("iterations")) {
      JsonObject o = e.getAsJsonObject();
      JsonObject times = o.getAsJsonObject("kantor");
      assertEquals(2, times.getAsJsonArray("rounds").size());
      double least = times.get("minMs").getAsDouble();
      assertTrue(0 < least && least <= times.get("medianMs").getAsDouble(), times.toString());
      assertTrue(o.get("floorMs").getAsDouble() > 0);
      assertFalse(o.has("libtorch"));
    }
    Map<String, Double> best = new HashMap<>();
    for (var e : report.getAsJsonArray("sampling")) {
      JsonObject o = e.getAsJsonObject();
      best.put(
          o.get("variant").getAsString() + o.get("threads").getAsInt(),
          o.get("peakImagesPerSecond").getAsDouble());
    }
    assertEquals(Set.of("gan1", "gan2", "dcgan1", "dcgan2"), best.keySet());
    // Each draws from its own generator: the convolutional one does 200 times the arithmetic.
    assertTrue(best.get("gan1") > 10 * best.get("dcgan1"), best.toString());
    assertEquals(
        4,
        r.out().lines().filter(l -> l.matches("(gan|dcgan) +[12] threads? +kantor .*")).count(),
        r.out());
  }

  @Test
  void timesADeviceInWindowsOfManyIterations() throws IOException {
    Path json = folder.resolve("bench.json");
    Kantor.Result r =
        Kantor.run(
            "bench",
            "--device",
            "cpu",
            "--variants",
            "gan",
            "--batch-sizes",
            "8,16",
            "--rounds",
            2,
            "--seconds",
            0.05,
            "--json",
            json);
    r.expect(Main.DONE);
    assertEquals(2, r.out().lines().filter(l -> l.matches("gan +(8|16) +fp32 .*")).count());
    JsonObject report = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    assertEquals("cpu", report.getAsJsonObject("device").get("name").getAsString());
    for (var e : report.getAsJsonArray("iterations")) {
      JsonObject o = e.getAsJsonObject();
      assertTrue(o.getAsJsonArray("windowsMs").size() >= 2, o.toString());
      assertTrue(0 < o.get("minMs").getAsDouble(), o.toString());
      assertTrue(o.get("minMs").getAsDouble() <= o.get("medianMs").getAsDouble(), o.toString());
      for (String positive :
          List.of("nodes", "flops", "deviceBytes", "startSeconds", "prepareSeconds")) {
        assertTrue(o.get(positive).getAsDouble() > 0, positive + ": " + o);
      }
    }
    Kantor.run("bench", "--device", "cpu", "--against", "libtorch").expect(Main.WRONG_USAGE);
  }

  @Test
  void foldsRoundsIntoOne() {
    Timing one = new Timing(3, 1, 4, 10);
    Timing two = new Timing(5, 2, 6, 20);
    Timing three = new Timing(40, 0.5, 5, 30);
    assertEquals(new Timing(5, 0.5, 5, 60), Timing.of(List.of(one, two, three)));
    assertEquals(new Timing(4, 1, 5, 30), Timing.of(List.of(one, two)));
  }

  @Test
  void saysWhatItKnows() {
    Kantor.run("bench", "--against", "numpy").expect(Main.WRONG_USAGE).says("libtorch", "numpy");
    Kantor.run("bench", "--variants", "gann").expect(Main.WRONG_USAGE).says("gann", "wgan-gp");
    Kantor.run("bench", "--threads", "0").expect(Main.WRONG_USAGE).says("--threads");
    Kantor.run("bench", "--seconds", "0").expect(Main.WRONG_USAGE).says("--seconds");
  }
}
