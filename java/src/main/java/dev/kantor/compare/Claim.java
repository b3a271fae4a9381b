package dev.kantor.compare;

import java.util.Locale;

/**
 * Something that the literature says of the variants, beside what was measured.
 *
 * @param text what it says
 * @param verdict whether it held
 * @param numbers what was measured, or what would have to be
 */
public record Claim(String text, Verdict verdict, String numbers) {
  /** What became of a claim. */
  public enum Verdict {
    HELD,
    NOT_HELD,
    NOT_MEASURED;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  static Claim of(String text, boolean isHeld, String numbers) {
    return new Claim(text, isHeld ? Verdict.HELD : Verdict.NOT_HELD, numbers);
  }

  static Claim notMeasured(String text, String needed) {
    return new Claim(text, Verdict.NOT_MEASURED, needed);
  }
}
