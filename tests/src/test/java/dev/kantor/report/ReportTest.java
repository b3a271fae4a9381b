package dev.kantor.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReportTest {
  private static final Panel.Labels LABELS = new Panel.Labels("title", "x", "y");
  private static final int BLUE = 0x0072B2;
  private static final int ORANGE = 0xD55E00;

  @TempDir private Path folder;

  @Test
  void aGridPutsImagesInRowsWithBlackBetween() {
    byte[] images = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    Grid grid = new Grid(2, 2, 1, 2, 2, 1, 1);
    byte[] expected = {
      0, 0, 0, 0, 0, 0, 0,
      0, 1, 2, 0, 5, 6, 0,
      0, 3, 4, 0, 7, 8, 0,
      0, 0, 0, 0, 0, 0, 0,
      0, 9, 10, 0, 0, 0, 0,
      0, 11, 12, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0,
    };
    assertArrayEquals(expected, grid.pixels(MemorySegment.ofArray(images)));
  }

  @Test
  void aColourGridInterleavesChannelsAndScales() throws IOException {
    byte[] image = {10, 20, 30, 40, 50, 60};
    Path file = folder.resolve("grid.png");
    new Grid(1, 1, 3, 1, 2, 0, 2).write(file, MemorySegment.ofArray(image));
    BufferedImage picture = ImageIO.read(file.toFile());
    assertEquals(4, picture.getWidth());
    assertEquals(2, picture.getHeight());
    for (int y = 0; y < 2; y++) {
      for (int x = 0; x < 4; x++) {
        int expected = x < 2 ? 0x0A1E32 : 0x14283C;
        assertEquals(expected, picture.getRGB(x, y) & 0xFFFFFF);
      }
    }
  }

  @Test
  void aGridRefusesWhatDoesNotFit() {
    Grid grid = new Grid(1, 2, 1, 2, 2, 0, 1);
    assertThrows(
        IllegalArgumentException.class, () -> grid.pixels(MemorySegment.ofArray(new byte[12])));
    assertThrows(
        IllegalArgumentException.class, () -> grid.pixels(MemorySegment.ofArray(new byte[5])));
    assertThrows(IllegalArgumentException.class, () -> new Grid(1, 2, 2, 2, 2, 0, 1));
  }

  @Test
  void linesRunWhereTheirValuesAre() throws IOException {
    Series rising = new Series("rising", new double[] {0, 1}, new double[] {0, 1});
    Series flat = new Series("flat", new double[] {0, 1}, new double[] {0, 0});
    BufferedImage picture =
        picture(new Figure(900, 500, List.of(new LinePlot(LABELS, false, List.of(rising, flat)))));
    double[] early = heights(picture, 200, BLUE);
    double[] late = heights(picture, 800, BLUE);
    assertTrue(late[0] < early[0] - 200, "the blue line falls: " + early[0] + " to " + late[0]);
    assertEquals(heights(picture, 200, ORANGE)[0], heights(picture, 800, ORANGE)[0]);
  }

  @Test
  void gapsStayEmptyAndSpikesOfLongSeriesAreKept() throws IOException {
    int n = 100_000;
    double[] x = IntStream.range(0, n).asDoubleStream().toArray();
    double[] y = new double[n];
    Arrays.fill(y, 1);
    y[25_000] = 100;
    Arrays.fill(y, 50_000, 60_000, Double.NaN);
    BufferedImage picture =
        picture(
            new Figure(
                900, 500, List.of(new LinePlot(LABELS, true, List.of(new Series("s", x, y))))));
    int left = 92;
    int across = 786;
    assertEquals(0, heights(picture, left + (int) (0.55 * across), BLUE).length);
    assertTrue(heights(picture, left + (int) (0.65 * across), BLUE).length > 0);
    long tall =
        IntStream.rangeClosed(-2, 2)
            .map(d -> heights(picture, left + across / 4 + d, BLUE).length)
            .max()
            .getAsInt();
    assertTrue(tall > 200, "the spike is " + tall + " pixels high");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void hopelessValuesStillGiveAPicture(boolean logarithmic) throws IOException {
    double[] odd = {
      Double.NaN,
      Double.POSITIVE_INFINITY,
      -Double.MAX_VALUE,
      Double.MAX_VALUE,
      Double.MIN_VALUE,
      0,
      -0.0,
      1e80,
      -1e80
    };
    for (double a : odd) {
      for (double b : odd) {
        for (double c : new double[] {0, 1, a}) {
          Series series = new Series("s", new double[] {0, 1, c}, new double[] {a, b, 1});
          picture(
              new Figure(200, 150, List.of(new LinePlot(LABELS, logarithmic, List.of(series)))));
        }
      }
    }
    picture(new Figure(200, 150, List.of(new LinePlot(LABELS, logarithmic, List.of()))));
    picture(
        new Figure(
            200,
            150,
            List.of(
                new LinePlot(
                    LABELS, logarithmic, List.of(new Series("", new double[0], new double[0]))))));
  }

  @Test
  void aHistogramCountsAndDrawsItsBins() throws IOException {
    Histogram histogram =
        Histogram.of(LABELS, new double[] {-9, 0, 0.3, 0.3, 1, 7, Double.NaN}, 0, 1, 4);
    assertArrayEquals(new long[] {2, 2, 0, 2}, histogram.counts());
    BufferedImage picture = picture(new Figure(900, 400, List.of(histogram)));
    double[] filled = heights(picture, 92 + 786 / 8, BLUE);
    assertTrue(filled.length > 200 && heights(picture, 92 + 786 * 5 / 8, BLUE).length == 0);
    assertThrows(
        IllegalArgumentException.class, () -> new Histogram(LABELS, 1, 1, new long[1], false));
  }

  @Test
  void pointsLieWhereTheyAre() throws IOException {
    Series point = new Series("p", new double[] {0, 99}, new double[] {0, 0});
    BufferedImage picture =
        picture(new Figure(500, 477, List.of(new Scatter(LABELS, 2, List.of(point)))));
    double centre = 92.5 + (500 - 115) / 2.0;
    assertEquals(
        41 + 385 / 2.0,
        Arrays.stream(heights(picture, (int) centre, BLUE)).average().orElseThrow(),
        2);
    assertEquals(0, heights(picture, (int) centre + 20, BLUE).length);
  }

  @Test
  void aFieldIsShadedUnderThePoints() throws IOException {
    // Two points in the cell at the lower right, one at the upper left, one outside.
    Field field = Field.counts(2, 2, new float[] {1, -1, 1.9f, -0.1f, -1, 1, 3, 0});
    assertArrayEquals(new double[] {0, 2, 1, 0}, field.values());
    assertArrayEquals(new float[] {-1, -1, 1, -1, -1, 1, 1, 1}, Field.centres(2, 2));
    BufferedImage picture =
        picture(
            new Figure(500, 477, List.of(new Scatter(LABELS, 2, Optional.of(field), List.of()))));
    int left = 93 + 385 / 4 + 3;
    int right = left + 385 / 2;
    int top = 41 + 385 / 4 + 3;
    int bottom = top + 385 / 2;
    assertEquals(0xFFFFFF, picture.getRGB(left, bottom) & 0xFFFFFF);
    assertEquals(0xC8C8C8, picture.getRGB(left, top) & 0xFFFFFF);
    assertEquals(0x919191, picture.getRGB(right, bottom) & 0xFFFFFF);
    assertThrows(IllegalArgumentException.class, () -> new Field(2, new double[3]));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0|1|false|5|0 0.2 0.4 0.6 0.8 1.0",
        "-0.05|0.05|false|4|-0.04 -0.02 0 0.02 0.04",
        "0|100000|false|5|0 20k 40k 60k 80k 100k",
        "0|4500|false|4|0 1000 2000 3000 4000",
        "0|5e7|false|5|0 1e7 2e7 3e7 4e7 5e7",
        "0|5e-7|false|5|0 1e-7 2e-7 3e-7 4e-7 5e-7",
        "0.001|100|true|6|0.001 0.01 0.1 1 10 100",
        "1e-8|1e8|true|4|1e-8 0.001 100 1e7",
        "2|5|true|3|2 3 4 5",
      })
  void ticksAreRound(double low, double high, boolean logarithmic, int wished, String labels) {
    List<String> found =
        new Axis(low, high, logarithmic).ticks(wished).stream().map(Axis.Tick::label).toList();
    assertEquals(List.of(labels.split(" ")), found);
  }

  @Test
  void everyPrintableCharacterHasAShapeOfItsOwn() {
    List<String> shapes = IntStream.rangeClosed('!', '~').mapToObj(c -> shape((char) c)).toList();
    assertEquals(shapes.size(), shapes.stream().distinct().count());
    String unknown = shape('\u4e00');
    assertFalse(shapes.contains(unknown));
    for (char c : "\u2207\u2016\u03bb\u00b1\u00d7\u2013\u00b7\u03b1\u2265\u2264".toCharArray()) {
      assertFalse(shape(c).equals(unknown), String.valueOf(c));
    }
    assertEquals(Font.width("111"), Font.width("888"));
  }

  @Test
  void aFigureIsWrittenWholeAndAlwaysTheSame() throws IOException {
    Series series = new Series("s", new double[] {1, 2, 3}, new double[] {3, 1, 2});
    Figure figure =
        new Figure(
            300,
            320,
            List.of(
                new LinePlot(LABELS, false, List.of(series)),
                new Histogram(LABELS, 0, 1, new long[] {1, 2}, true)));
    Path file = folder.resolve("f.png");
    figure.write(file);
    assertArrayEquals(figure.png(), Files.readAllBytes(file));
    BufferedImage picture = ImageIO.read(file.toFile());
    assertEquals(300, picture.getWidth());
    assertEquals(320, picture.getHeight());
    assertThrows(IllegalArgumentException.class, () -> new Figure(300, 100, figure.panels()));
  }

  private static String shape(char c) {
    StringBuilder strokes = new StringBuilder();
    Font.lay(String.valueOf(c), points -> strokes.append(Arrays.toString(points)));
    return strokes.toString() + Font.width(String.valueOf(c));
  }

  private static BufferedImage picture(Figure figure) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(figure.png()));
  }

  /** The rows of one column below the legend that have this colour or nearly so. */
  private static double[] heights(BufferedImage picture, int x, int colour) {
    return IntStream.range(40, picture.getHeight())
        .filter(y -> difference(picture.getRGB(x, y), colour) < 90)
        .asDoubleStream()
        .toArray();
  }

  private static int difference(int a, int b) {
    return IntStream.of(0, 8, 16)
        .map(shift -> Math.abs((a >> shift & 0xFF) - (b >> shift & 0xFF)))
        .sum();
  }
}
