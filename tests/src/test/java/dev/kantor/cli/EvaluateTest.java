package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.io.Idx;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateTest {
  private static final int COUNT = 300;
  private static final int IMAGES = 1200;

  @TempDir private static Path folder;

  private static Path run;

  @BeforeAll
  static void train() {
    run = folder.resolve("run");
    Kantor.train(run, "--epochs", 1).expect(0);
    // Trains the judge.
    Kantor.Result first = evaluate(run).expect(0).says("training the judge", "epoch 3 of 3");
    assertTrue(first.out().contains("FD-judge"), first.out());
    assertTrue(first.out().contains("no Inception FID"), first.out());
  }

  /** Later options replace earlier ones; a last one without a value is added. */
  private static Kantor.Result evaluate(Path what, Object... more) {
    Map<Object, Object> options = new LinkedHashMap<>();
    options.put("--data", "glyphs");
    options.put("--limit", IMAGES);
    options.put("--count", COUNT);
    options.put("--judges", folder.resolve("judges"));
    options.put("--judge-epochs", 3);
    for (int i = 0; i + 1 < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    List<Object> args = new ArrayList<>(List.of("evaluate", what));
    options.forEach((name, value) -> args.addAll(List.of(name, value)));
    if (more.length % 2 == 1) {
      args.add(more[more.length - 1]);
    }
    return Kantor.run(args.toArray());
  }

  private static JsonObject json(Path what, Object... more) {
    List<Object> args = new ArrayList<>(List.of(more));
    args.add("--json");
    Kantor.Result result = evaluate(what, args.toArray()).expect(0);
    assertFalse(result.err().contains("training the judge"), result.err());
    return JsonParser.parseString(result.out()).getAsJsonObject();
  }

  private static double value(JsonObject of, String measure) {
    return of.getAsJsonObject(measure).get("value").getAsDouble();
  }

  @Test
  void theSameSeedGivesTheSameResult() throws IOException {
    String written = Files.readString(run.resolve("evaluation-10.json"));
    JsonObject result = json(run, "--threads", 1);
    assertEquals(JsonParser.parseString(written), result);
    assertNotEquals(
        result.get("samples"), json(run, "--seed", 7, "--checkpoint", 10).get("samples"));
    assertEquals("wgan-gp", result.get("variant").getAsString());
    assertEquals(10, result.get("iteration").getAsLong());
    assertTrue(result.getAsJsonObject("judge").get("sha256").getAsString().matches("[0-9a-f]{64}"));
    assertFalse(result.getAsJsonObject("samples").has("agreement"));
  }

  @Test
  void realImagesAreBetterThanWhatAFewIterationsDraw() throws IOException {
    JsonObject result = json(run);
    JsonObject samples = result.getAsJsonObject("samples");
    JsonObject test = result.getAsJsonObject("test");
    assertEquals(COUNT, samples.get("count").getAsInt());
    assertEquals(IMAGES / 6, test.get("count").getAsInt());
    assertTrue(value(test, "agreement") > 0.85, test.toString());
    assertEquals(10, value(test, "classes-covered"));
    assertTrue(value(test, "recall") > 0.5, test.toString());
    assertTrue(value(samples, "accepted") < 0.5, samples.toString());
    assertTrue(value(samples, "fd-judge") > 5 * value(test, "fd-judge"), result.toString());
    assertTrue(value(samples, "coverage") < 0.1, samples.toString());
    for (String name : List.of("precision", "fd-judge")) {
      JsonObject measure = test.getAsJsonObject(name);
      assertTrue(measure.get("low").getAsDouble() <= measure.get("value").getAsDouble());
      assertTrue(measure.get("high").getAsDouble() > measure.get("low").getAsDouble());
    }
  }

  @Test
  void filesAndFoldersOfImagesAreEvaluatedAlike() throws IOException {
    ImageSet glyphs =
        (ImageSet) DataSets.open("glyphs", DataSets.Options.defaults().withCount(IMAGES));
    Path idx = folder.resolve("real.idx");
    Idx.write(idx, glyphs.images().asSlice(0, COUNT * 784L), COUNT, 28, 28);
    JsonObject samples = json(idx).getAsJsonObject("samples");
    // These are training images: the nearest of each is itself.
    assertEquals(0, value(samples, "nearest-training-image"));
    assertTrue(value(samples, "accepted") > 0.85, samples.toString());

    Path pictures = folder.resolve("pictures");
    Kantor.run("sample", run, "--count", COUNT, "--out", pictures).expect(0);
    JsonObject fromPictures = json(pictures);
    assertEquals(json(run).get("samples"), fromPictures.get("samples"));
    assertEquals("pictures", fromPictures.get("file").getAsString());
    evaluate(idx).expect(0);
    assertTrue(Files.exists(folder.resolve("real.idx.evaluation.json")));
  }

  @Test
  void aConditionalRunIsAskedForClasses() {
    Path cvae = folder.resolve("cvae");
    Kantor.run(
            "train",
            "cvae-gan",
            "--data",
            "glyphs",
            "--limit",
            160,
            "--batch-size",
            16,
            "--epochs",
            1,
            "--out",
            cvae,
            "--set",
            "critic-channels=3,5",
            "--set",
            "critic-dense=16",
            "--set",
            "encoder-channels=3,5,4",
            "--set",
            "decoder-channels=5,3",
            "--set",
            "latent=8")
        .expect(0);
    double agreement = value(json(cvae).getAsJsonObject("samples"), "agreement");
    assertTrue(agreement >= 0 && agreement < 0.6, "agreement " + agreement);

    JsonObject result = json(cvae, "--gan-train");
    for (String measure : List.of("gan-train", "gan-test")) {
      double real = value(result.getAsJsonObject("test"), measure);
      double ours = value(result.getAsJsonObject("samples"), measure);
      assertTrue(ours >= 0 && ours < real && real > 0.3, measure + " " + ours + ", " + real);
    }
  }

  @Test
  void saysWhatItCannotDo() throws IOException {
    evaluate(run, "--count", 128).expect(2).says("--count is 128", "more than 128");
    evaluate(run, "--judge-epochs", 0).expect(2).says("--judge-epochs");
    evaluate(run, "--checkpoint", 11).expect(1).says("there are [10]");
    evaluate(folder.resolve("nothing")).expect(1).says("there is no", "FILE.idx");
    Path tiny = folder.resolve("tiny.idx");
    Idx.write(tiny, MemorySegment.ofArray(new byte[200 * 4]), 200, 2, 2);
    evaluate(tiny).expect(1).says("[200, 2, 2]", "[200, 28, 28]");
    Path few = folder.resolve("few.idx");
    Idx.write(few, MemorySegment.ofArray(new byte[5 * 784]), 5, 28, 28);
    evaluate(few).expect(1).says("5 samples", "more than 128");
    Path unlabelled = folder.resolve("unlabelled");
    Kantor.run("sample", run, "--count", 3, "--out", unlabelled).expect(0);
    Kantor.run("evaluate", run, "--data", unlabelled, "--judges", folder)
        .expect(1)
        .says("no labels", "--data");
  }
}
