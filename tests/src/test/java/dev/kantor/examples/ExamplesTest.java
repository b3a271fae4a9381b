package dev.kantor.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs that ship do what they say. */
class ExamplesTest {

  private static String output(Consumer<PrintStream> program) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    program.accept(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void derivatives() {
    String text = output(Derivatives::run);
    assertTrue(text.contains("y = 2x: dy/dx = 2\n"), text);
    assertTrue(text.contains("y = 3(2x): dy/dx = 6\n"), text);
    assertTrue(text.contains("x^3 at 3: 27, derivatives 27, 18, 6\n"), text);
    // By hand: D = tanh(x w), s_i = 1 - tanh^2, g_i = s_i w, penalty 10 mean (|s_i| |w| - 1)^2.
    float[][] x = {{0.5f, -1}, {2, 0.25f}, {1, -0.5f}};
    double[] w = {1, -2};
    double norm = Math.sqrt(5);
    double penalty = 0;
    double[] gradient = new double[2];
    for (float[] row : x) {
      double t = Math.tanh(row[0] * w[0] + row[1] * w[1]);
      double s = 1 - t * t;
      penalty += 10.0 / 3 * (s * norm - 1) * (s * norm - 1);
      for (int k = 0; k < 2; k++) {
        gradient[k] += 20.0 / 3 * (s * norm - 1) * (-2 * t * s * row[k] * norm + s * w[k] / norm);
      }
    }
    Matcher m =
        Pattern.compile("gradient penalty (\\S+), its gradient \\[(\\S+), (\\S+)]").matcher(text);
    assertTrue(m.find(), text);
    assertEquals(penalty, Double.parseDouble(m.group(1)), 1e-3);
    assertEquals(gradient[0], Double.parseDouble(m.group(2)), 1e-3);
    assertEquals(gradient[1], Double.parseDouble(m.group(3)), 1e-3);
  }

  @Test
  void ownCritic() {
    String text = output(out -> OwnCritic.run(out, 1500));
    Matcher m =
        Pattern.compile("distance after 10 iterations (\\S+), after 1500 (\\S+)").matcher(text);
    assertTrue(m.find(), text);
    double late = Double.parseDouble(m.group(2));
    assertTrue(late < 1.0 && late > -1.0, text);
  }

  @Test
  void metrics(@TempDir Path folder) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Metrics.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), folder);
    String text = bytes.toString(StandardCharsets.UTF_8);
    double[] held = measures(text, "held out");
    double[] half = measures(text, "half");
    double[] noise = measures(text, "noise");
    assertEquals(10, held[0], text);
    assertTrue(half[0] >= 5 && half[0] < 10, text);
    assertTrue(held[1] < half[1] && half[1] < noise[1], text);
    assertTrue(held[2] > 0.7 && held[3] > 0.7, text);
    assertTrue(half[2] > 0.7 && half[3] < held[3] - 0.2, text);
    assertTrue(noise[2] < 0.05 && noise[3] < 0.05, text);
    assertTrue(text.contains("ring: 8 of 8 modes"), text);
  }

  /** Classes covered, distance, precision, recall. */
  private static double[] measures(String text, String what) {
    Matcher m =
        Pattern.compile(
                "(?m)^"
                    + what
                    + ": classes-covered (\\S+) fd-judge (\\S+) precision (\\S+) recall (\\S+)$")
            .matcher(text);
    assertTrue(m.find(), text);
    double[] values = new double[4];
    Arrays.setAll(values, i -> Double.parseDouble(m.group(i + 1)));
    return values;
  }

  @Test
  void disjointSupports(@TempDir Path folder) throws IOException {
    Path picture = folder.resolve("lines.png");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    List<DisjointSupports.Estimate> all = DisjointSupports.run(out, 500, picture);
    for (DisjointSupports.Estimate e : all) {
      double theta = Math.abs(e.theta());
      assertEquals(theta, e.distance(), 0.06, e.toString());
      if (theta == 0 || theta >= 0.1) {
        assertEquals(theta == 0 ? 0 : Math.log(2), e.divergence(), 0.02, e.toString());
      }
    }
    assertTrue(all.stream().anyMatch(e -> e.theta() == 0), all.toString());
    assertEquals(1 + all.size(), bytes.toString(StandardCharsets.UTF_8).lines().count());
    assertEquals(700, ImageIO.read(picture.toFile()).getWidth());
  }
}
