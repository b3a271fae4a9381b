package dev.kantor.report;

import java.util.List;

/** A colour, each part 0 to 255. */
record Colour(int red, int green, int blue) {
  static final Colour WHITE = new Colour(255, 255, 255);
  static final Colour INK = new Colour(38, 38, 44);
  static final Colour QUIET = new Colour(110, 110, 118);
  static final Colour RULE = new Colour(228, 228, 232);

  /**
   * Told apart by most colour-blind eyes (Okabe and Ito 2008), the yellow left out: it is faint on
   * white.
   */
  static final List<Colour> SERIES =
      List.of(
          new Colour(0, 114, 178),
          new Colour(213, 94, 0),
          new Colour(0, 158, 115),
          new Colour(204, 121, 167),
          new Colour(230, 159, 0),
          new Colour(86, 180, 233),
          new Colour(60, 60, 60));

  /** The colour of the n-th series; they repeat. */
  static Colour series(int n) {
    return SERIES.get(n % SERIES.size());
  }
}
