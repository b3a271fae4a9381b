package dev.kantor.metrics;

import java.util.List;
import java.util.Optional;

/**
 * Notices mode collapse in a training's evaluations: samples of a few classes only, when before
 * there were more, or would have to be.
 *
 * <p>A class is covered if it has a tenth of its fair share ({@link ClassHistogram#COVERED_SHARE}).
 * It is a collapse if a quarter or more of the most classes covered so far are lost, or if fewer
 * than half of all are covered though most samples show one: a generator that has not learnt to
 * draw yet is no collapse. One class lost of several comes and goes, and is none either.
 */
public final class CollapseAlarm {
  /** So much of the best coverage, at least, has to be kept. */
  private static final double KEPT = 0.75;

  private static final int FEW_LOST = 1;

  private CollapseAlarm() {}

  /**
   * Looks at an evaluation.
   *
   * @param before the histograms of those before it
   * @return what is wrong, for people; empty if it is no collapse
   */
  public static Optional<String> of(List<ClassHistogram> before, Evaluation now) {
    int classes = now.histogram().counts().length;
    int covered = covered(now.histogram());
    int most = before.stream().mapToInt(CollapseAlarm::covered).max().orElse(0);
    String text = "mode collapse: " + covered + " of " + classes + " classes are covered";
    if (covered <= KEPT * most && most - covered > FEW_LOST) {
      return Optional.of(text + ", after " + most + " before");
    }
    boolean showsClasses = 2 * now.none() < now.count();
    return showsClasses && 2 * covered < classes ? Optional.of(text) : Optional.empty();
  }

  private static int covered(ClassHistogram histogram) {
    return histogram.covered(ClassHistogram.COVERED_SHARE);
  }
}
