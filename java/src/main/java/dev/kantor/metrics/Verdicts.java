package dev.kantor.metrics;

import java.util.Arrays;

/**
 * What a judge says of images.
 *
 * @param classes the most likely of each; the number of classes for none of them
 * @param nearest the most likely of each, none left out: where the judge sees none, what comes next
 * @param confidences the probability of each one's most likely class
 * @param features a row for each image
 */
public record Verdicts(int[] classes, int[] nearest, double[] confidences, Features features) {
  public Verdicts {
    if (classes.length != features.count()
        || nearest.length != features.count()
        || confidences.length != features.count()) {
      throw new IllegalArgumentException(
          classes.length
              + " classes and "
              + confidences.length
              + " confidences for "
              + features.count()
              + " images");
    }
  }

  /** How many images were judged. */
  public int count() {
    return classes.length;
  }

  /** The mean probability of what the judge decided for: how clear the images are to it. */
  public double meanConfidence() {
    return Arrays.stream(confidences).average().orElseThrow();
  }

  /**
   * For each image 1 if it is taken for the class that was asked for, else 0; the mean is the
   * agreement, the accuracy on labelled images.
   *
   * @param requested a class for each image
   */
  public double[] agreement(int[] requested) {
    if (requested.length != count()) {
      throw new IllegalArgumentException(
          requested.length + " classes were asked for, of " + count() + " images");
    }
    double[] agrees = new double[count()];
    Arrays.setAll(agrees, i -> classes[i] == requested[i] ? 1 : 0);
    return agrees;
  }

  /** For each image 1 if it is taken for one of the classes, 0 if for none. */
  public double[] accepted(int numberOfClasses) {
    double[] accepted = new double[count()];
    Arrays.setAll(accepted, i -> classes[i] < numberOfClasses ? 1 : 0);
    return accepted;
  }
}
