package dev.kantor.report;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An embedded font of strokes: letters as chains of points on a grid, drawn with a round pen at any
 * size. Capitals stand from y = 0 to the base line at y = 6, small letters from y = 2, tails reach
 * y = 8.
 */
final class Font {
  /** The grid's height of a capital. */
  static final double CAPITAL = 6;

  private static final double GAP = 1.9;
  private static final double SPACE = 2.4;

  /** A character, then its strokes: each a chain of points, two digits a point, x then y. */
  private static final String[] GLYPHS = {
    "A 062046 1434",
    "B 0600304142330333 3344453606",
    "C 4130100105163645",
    "D 06003041453606",
    "E 40000646 0333",
    "F 400006 0333",
    "G 41301001051636454323",
    "H 0006 4046 0343",
    "I 1030 2026 1636",
    "J 4045361605",
    "K 0006 4004 2246",
    "L 000646",
    "M 0600234046",
    "N 06004640",
    "O 104051554616050110",
    "P 06003041423303",
    "Q 103041453616050110 2446",
    "R 06003041423303 2346",
    "S 413010010213334445361605",
    "T 0040 2026",
    "U 000516364540",
    "V 002640",
    "W 0016213640",
    "X 0046 4006",
    "Y 002340 2326",
    "Z 00400646",
    "a 12324346 4414051636 3645",
    "b 0006 0312324345361605",
    "c 4332120305163645",
    "d 4046 4332120305163645",
    "e 04444332120305163645",
    "f 40302126 1242",
    "g 4247381807 4332120305163645",
    "h 0006 03123243 4346",
    "i 2226 2020",
    "j 3237281807 3030",
    "k 0006 4204 2346",
    "l 2026",
    "m 0206 03122233 3336 3342526366",
    "n 0206 03123243 4346",
    "o 123243453616050312",
    "p 0208 0312324345361605",
    "q 4248 4332120305163645",
    "r 0206 03122232",
    "s 4212031434453606",
    "t 20253646 1242",
    "u 0205163645 4246",
    "v 022642",
    "w 0216335662",
    "x 0246 4206",
    "y 0226 4218",
    "z 02420646",
    "0 103041453616050110",
    "1 112026 1636",
    "2 01103041420646",
    "3 0110304142334445361605 1333",
    "4 36300444",
    "5 4000031232434536 361605",
    "6 41301001051636454433 331304",
    "7 004016",
    "8 13334241301001021304051636454433",
    "9 4233130201103041 4145361605",
    ". 2626",
    ", 2517",
    ": 2323 2626",
    "; 2323 2617",
    "! 2024 2626",
    "? 01103041422324 2626",
    "- 1333",
    "+ 0343 2125",
    "= 0242 0444",
    "_ 0747",
    "/ 0640",
    "\\ 0046",
    "| 2028",
    "( 20111526",
    ") 10212516",
    "[ 30101636",
    "] 10303616",
    "{ 302022132426 2636",
    "} 102022332426 2616",
    "< 410345",
    "> 014305",
    "* 2125 0244 4204",
    "' 2022",
    "\" 1012 3032",
    "` 1021",
    "^ 022042",
    "~ 04133443",
    "# 1016 3036 0242 0444",
    "% 0640 0010110100 3545463635",
    "& 46111020210405162644",
    "@ 453616050110304144242242",
    "$ 413010010213334445361605 2027",
    "\u2207 00402600",
    "\u2016 1018 3038",
    "\u03bb 001036 2206",
    "\u00b1 0343 2125 0646",
    "\u00d7 0145 4105",
    "\u2013 0343",
    "\u00b7 2323",
    "\u03b1 4224160503122446",
    "\u2265 014305 0646",
    "\u2264 410345 0646",
  };

  /** What stands for a character that the font does not have. */
  private static final Glyph UNKNOWN =
      new Glyph(List.of(new double[] {0, 0, 4, 0, 4, 6, 0, 6, 0, 0}), 0, 4);

  private static final Map<Character, Glyph> BY_CHARACTER = parse();

  private Font() {}

  /** Strokes as x, y, x, y .. and the span they take. */
  private record Glyph(List<double[]> strokes, double left, double right) {}

  /** Draws one stroke of a text: points x, y, x, y .. in grid units from the text's top left. */
  @FunctionalInterface
  interface Pen {
    void stroke(double[] points);
  }

  /** The width of a text in grid units. */
  static double width(String text) {
    return lay(text, points -> {});
  }

  /** Hands every stroke of the text to the pen; returns the text's width in grid units. */
  static double lay(String text, Pen pen) {
    double x = 0;
    for (char c : text.toCharArray()) {
      if (c == ' ') {
        x += SPACE + GAP / 2;
        continue;
      }
      Glyph glyph = BY_CHARACTER.getOrDefault(c, UNKNOWN);
      for (double[] stroke : glyph.strokes) {
        double[] moved = stroke.clone();
        for (int i = 0; i < moved.length; i += 2) {
          moved[i] += x - glyph.left;
        }
        pen.stroke(moved);
      }
      x += glyph.right - glyph.left + GAP;
    }
    return Math.max(0, x - GAP);
  }

  private static Map<Character, Glyph> parse() {
    Map<Character, Glyph> glyphs = new HashMap<>();
    for (String line : GLYPHS) {
      List<double[]> strokes = new ArrayList<>();
      double left = Double.POSITIVE_INFINITY;
      double right = Double.NEGATIVE_INFINITY;
      for (String chain : line.substring(2).split(" ")) {
        double[] stroke = chain.chars().mapToDouble(c -> c - '0').toArray();
        for (int i = 0; i < stroke.length; i += 2) {
          left = Math.min(left, stroke[i]);
          right = Math.max(right, stroke[i]);
        }
        strokes.add(stroke);
      }
      // Figures are all as wide as the widest, so columns of them line up.
      boolean figure = Character.isDigit(line.charAt(0));
      glyphs.put(line.charAt(0), new Glyph(strokes, figure ? 0 : left, figure ? 4 : right));
    }
    return glyphs;
  }
}
