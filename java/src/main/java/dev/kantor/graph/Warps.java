package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** What moves or hides parts of images, each image's place by numbers of its own. */
interface Warps extends Op {

  /**
   * Images moved by whole rows and columns (translate.h). Inputs: [N, C, H, W], u [N, 2] in [0, 1).
   *
   * @param rows the most that an image moves
   * @param cols likewise
   * @param sign 1, or -1 for the opposite direction, which is the derivative
   */
  record Translate(long rows, long cols, int sign) implements Warps {
    @Override
    public String label() {
      return "translate";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.get(0);
      requirePlaces(label(), x, in.get(1));
      Shape s = x.shape();
      if (rows < 0 || cols < 0 || rows > s.dim(2) || cols > s.dim(3)) {
        throw Op.mismatch(
            label(), "%s moves by up to %d rows and %d columns", x.spec(), rows, cols);
      }
      return List.of(x.spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      Value u = node.inputs.get(1);
      return Arrays.asList(Ops.apply(new Translate(rows, cols, -sign), g.getFirst(), u), null);
    }
  }

  /**
   * Ones [N, 1, height, width] with a rectangle of zeros (cutout_mask.h). Input: u [N, 2] in [0,
   * 1).
   */
  record CutoutMask(long rows, long cols, long height, long width) implements Warps {
    public CutoutMask {
      if (rows < 0 || cols < 0 || rows > height || cols > width) {
        throw new IllegalArgumentException(
            "a rectangle of " + rows + " x " + cols + " in images of " + height + " x " + width);
      }
    }

    @Override
    public String label() {
      return "cutout_mask";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value u = in.getFirst();
      return List.of(new Spec(u.dtype(), Shape.of(u.shape().dim(0), 1, height, width)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Collections.singletonList(null);
    }
  }

  private static void requirePlaces(String label, Value x, Value u) {
    if (x.shape().rank() != 4
        || u.shape().rank() != 2
        || u.shape().dim(0) != x.shape().dim(0)
        || u.shape().dim(1) != 2) {
      throw Op.mismatch(
          label, "expected [N, C, H, W] and [N, 2], not %s and %s", x.spec(), u.spec());
    }
  }
}
