package dev.kantor.cli;

import dev.kantor.data.PointSet;
import dev.kantor.tensor.Shape;
import dev.kantor.train.Manifest;
import java.io.IOException;
import java.util.Locale;

/** What a sample of a data set is; as text, the manifest's {@code image}. */
sealed interface Form permits Pictures.Size, Form.Plane {
  /** [channels, height, width] of an image, [2] of a point. */
  Shape shape();

  /** So many samples, in words. */
  String describe(long count);

  /** Numbers in a sample. */
  default int numbers() {
    return Math.toIntExact(shape().count());
  }

  /**
   * What a run's samples are.
   *
   * @throws IOException if its set has to be opened for that and cannot be
   */
  static Form of(Manifest manifest) throws IOException {
    String image = manifest.value("image");
    // A set of points is drawn by the program, in no time and without files.
    return image.equals(Plane.NAME) ? Images.of(manifest, null).form() : Pictures.Size.parse(image);
  }

  /**
   * A point of the plane.
   *
   * @param target the points to learn from, and what they are drawn from
   */
  record Plane(PointSet target) implements Form {
    private static final String NAME = "plane";

    @Override
    public Shape shape() {
      return Shape.of(2);
    }

    @Override
    public String describe(long count) {
      return String.format(
          Locale.ROOT, "%,d points of the plane around %d modes", count, target.classes());
    }

    @Override
    public String toString() {
      return NAME;
    }
  }
}
