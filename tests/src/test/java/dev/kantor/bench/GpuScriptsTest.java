package dev.kantor.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts for GPU machines, as far as they go on one without: all numbers here are made up. */
class GpuScriptsTest {
  private static final Path BENCH = Path.of("..", "bench").toAbsolutePath().normalize();

  @TempDir private Path folder;

  private record Result(int status, String output) {}

  @BeforeAll
  static void needsPython() throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(p -> Files.isExecutable(Path.of(p, "python3"))),
        "there is no python3: the scripts for GPU machines are not tested");
  }

  private Result run(String... command) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    Process process = builder.redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertTrue(ended, () -> String.join(" ", command) + " does not end");
    return new Result(process.waitFor(), Files.readString(output, StandardCharsets.UTF_8));
  }

  @Test
  void everyScriptParses() throws Exception {
    List<Path> scripts;
    try (Stream<Path> all =
        Stream.concat(Files.list(BENCH.resolve("peers")), Files.list(BENCH.resolve("gpu")))) {
      scripts = all.filter(p -> p.toString().endsWith(".py")).toList();
    }
    assertTrue(scripts.size() >= 9, scripts.toString());
    for (Path script : scripts) {
      Result r =
          run("python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", "" + script);
      assertEquals(0, r.status, r.output);
    }
    Result shell = run("bash", "-n", BENCH.resolve("gpu.sh").toString());
    assertEquals(0, shell.status, shell.output);
  }

  @Test
  void withoutAGpuTheScriptSaysSo() throws Exception {
    assumeTrue(!Files.exists(Path.of("/proc/driver/nvidia/version")), "there is a GPU");
    Result r = run(BENCH.resolve("gpu.sh").toString(), "bench", "--out", folder.toString());
    assertEquals(1, r.status, r.output);
    assertTrue(r.output.contains("no NVIDIA GPU answers here"), r.output);
    assertEquals(2, run(BENCH.resolve("gpu.sh").toString(), "brench").status);
  }

  private static String round(String engine, String windows, String more) {
    return """
    {"engine": "%s", "variant": "wgan-gp", "batch_size": 64, "precision": "tf32", "windows_ms": [%s], \
    "import_s": 2.0, "prepare_s": 1.5%s}
    """
        .formatted(engine, windows, more);
  }

  @Test
  void theTableHasRatiosFloorsAndGoals() throws Exception {
    String ours = ", \"nodes\": 10, \"flops\": 1000000000, \"peak_bytes\": 3145728";
    Files.writeString(
        folder.resolve("results.jsonl"),
        round("kantor", "0.10, 0.12, 0.11", ours)
            + round("graph", "0.50, 0.40", "")
            + round("kantor", "0.30, 0.31, 0.29", ours)
            + round("graph", "0.60, 0.61", "")
            + """
            {"engine": "jax", "variant": "wgan-gp", "batch_size": 64, "precision": "tf32", "error": "no jax"}
            """);
    Files.writeString(
        folder.resolve("ops.jsonl"),
        """
        {"op": "ceilings", "gpu": "made up", "tf32_flops_per_second": 1e14, "node_seconds": 1e-6}
        {"op": "gemm", "batch_size": 64, "precision": "tf32", "kantor_us": 2, "torch_us": 3, "ratio": 1.5, \
        "gflops": 7, "difference": 1e-4}
        """);
    Files.writeString(
        folder.resolve("checks.jsonl"),
        """
        {"check": "state", "variant": "gan", "worst": 0.5, "slot": "critic.0.weight", "ok": false}
        """);
    Files.writeString(
        folder.resolve("headline.json"),
        "{\"seconds\": 12.0, \"wall_seconds\": 13.5, \"precision\": \"tf32\"}");
    Result r = run("python3", BENCH.resolve("gpu/table.py").toString(), folder.toString());
    assertEquals(0, r.status, r.output);
    assertEquals(r.output, Files.readString(folder.resolve("table.md")));
    assertTrue(r.output.contains("FAILED critic.0.weight"), r.output);
    assertTrue(r.output.contains("MNIST in tf32: 12.0 s of training, 13.5 s with"), r.output);
    assertTrue(r.output.contains("10 s of training are not reached"), r.output);
    assertTrue(r.output.contains("no jax"), r.output);

    JsonObject table =
        JsonParser.parseString(Files.readString(folder.resolve("table.json"))).getAsJsonObject();
    JsonArray rows = table.getAsJsonArray("iterations");
    assertEquals(3, rows.size());
    JsonObject kantor = rows.get(0).getAsJsonObject();
    JsonObject graph = rows.get(1).getAsJsonObject();
    // The median of the rounds' medians 0.11 and 0.30, the least of all windows.
    assertEquals(0.205, kantor.get("median_ms").getAsDouble(), 1e-12);
    assertEquals(0.10, kantor.get("min_ms").getAsDouble(), 1e-12);
    assertEquals(64e3 / 0.205, kantor.get("images_per_second").getAsDouble(), 1e-6);
    assertEquals(3.5, kantor.get("start_s").getAsDouble(), 1e-12);
    // 1e9 FLOP at 1e14 a second, and ten nodes of a microsecond.
    assertEquals(0.02, kantor.get("floor_ms").getAsDouble(), 1e-12);
    assertEquals(0.2, kantor.get("share_of_floor").getAsDouble(), 1e-12);
    assertEquals(0.5275 / 0.205, graph.get("ratio_of_medians").getAsDouble(), 1e-12);
    assertEquals(4, graph.get("ratio_of_minima").getAsDouble(), 1e-12);
    assertFalse(kantor.has("ratio_of_medians"));
    assertEquals("no jax", rows.get(2).getAsJsonObject().get("error").getAsString());
    for (var e : table.getAsJsonArray("goals")) {
      JsonObject goal = e.getAsJsonObject();
      boolean measured = goal.get("goal").getAsString().contains("3 times graph");
      assertEquals(measured, !goal.get("measured").isJsonNull(), goal.toString());
      assertFalse(goal.get("reached").getAsBoolean(), goal.toString());
    }
  }
}
