package dev.kantor.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of op is timed when it is asked for, and asking for none ends it with a reason. */
class OpBenchCommandTest {
  private static final Options OPTIONS =
      new Options(Map.of("warmup-seconds", "0", "seconds", "0.001"));

  @BeforeAll
  static void load() {
    Main.loadLibraries();
  }

  private static List<String> answers(String requests) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    OpBenchCommand.run(
        OPTIONS,
        new BufferedReader(new StringReader(requests)),
        new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'op': 'matmul', 'attributes': {'transpose_b': true}, 'inputs': [[3, 5], [4, 5]]}",
        "{'op': 'conv2d', 'attributes': {'stride': 2, 'padding': 1}, 'inputs': [[2, 3, 8, 8], [4,"
            + " 3, 3, 3]]}",
        "{'op': 'conv2d_data_grad', 'attributes': {'stride': 2, 'padding': 1, 'image': [2, 3, 8,"
            + " 8]}, 'inputs': [[2, 4, 4, 4], [4, 3, 3, 3]]}",
        "{'op': 'conv2d_weight_grad', 'attributes': {'padding': 1, 'weight': [4, 3, 3, 3]},"
            + " 'inputs': [[2, 4, 8, 8], [2, 3, 8, 8]]}",
        "{'op': 'gather', 'inputs': [[50, 7], [4]]}",
        "{'op': 'normal', 'inputs': [[4, 5]]}",
        "{'op': 'adam', 'inputs': [[33]]}"
      })
  void everyKindIsTimed(String request) throws IOException {
    List<String> answers = answers(request.replace('\'', '"') + "\n");
    assertEquals(1, answers.size());
    double median =
        JsonParser.parseString(answers.getFirst()).getAsJsonObject().get("medianMs").getAsDouble();
    assertTrue(median > 0, answers.getFirst());
  }

  @Test
  void answersComeInTheirTurn() throws IOException {
    String request = "{\"op\": \"tanh\", \"inputs\": [[4]]}\n";
    assertEquals(3, answers(request.repeat(3)).size());
  }

  @Test
  void unknownOpsAndOpsWithoutInputsAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> answers("{\"op\": \"tann\", \"inputs\": [[4]]}\n"));
    assertThrows(IllegalArgumentException.class, () -> answers("{\"op\": \"tanh\"}\n"));
  }
}
