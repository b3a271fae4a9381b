package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A shape seen as rows x columns, so that each operand of an elementwise kernel is one of the
 * access patterns of pointwise.h.
 *
 * @param split the first axis that belongs to the columns
 */
record Domain(Shape shape, int split) {

  /** Element (r, c) of an operand is number (r % period) * rowStride + c * columnStride. */
  record Access(long period, long rowStride, long columnStride) {}

  long rows() {
    return shape.product(0, split);
  }

  long columns() {
    return shape.product(split, shape.rank());
  }

  /**
   * A split of {@code shape} for which all operands have an access pattern and {@code reduced} a
   * kind; empty if there is none.
   */
  static Optional<Domain> of(Shape shape, List<Shape> operands, Shape reduced) {
    List<Integer> splits = new ArrayList<>(List.of(0));
    for (int p = shape.rank() - 1; p > 0; p--) {
      splits.add(p);
    }
    if (shape.rank() > 0) {
      splits.add(shape.rank());
    }
    for (int p : splits) {
      Domain d = new Domain(shape, p);
      if (operands.stream().allMatch(s -> d.access(s).isPresent())
          && (reduced == null || d.reduceKind(reduced) >= 0)) {
        return Optional.of(d);
      }
    }
    return Optional.empty();
  }

  Optional<Access> access(Shape operand) {
    int first = shape.rank() - operand.rank();
    boolean anyKept = false;
    boolean anyDropped = false;
    for (int i = split; i < shape.rank(); i++) {
      if (shape.dim(i) != 1) {
        boolean kept = i >= first && operand.dim(i - first) != 1;
        anyKept |= kept;
        anyDropped |= !kept;
      }
    }
    if (anyKept && anyDropped) {
      return Optional.empty();
    }
    long period = 1;
    boolean repeated = false;
    for (int i = split - 1; i >= 0; i--) {
      if (shape.dim(i) != 1) {
        boolean kept = i >= first && operand.dim(i - first) != 1;
        if (kept && repeated) {
          return Optional.empty();
        }
        repeated |= !kept;
        period *= kept ? shape.dim(i) : 1;
      }
    }
    boolean full = columns() > 1 && anyKept;
    long rowStride = period == 1 ? 0 : full ? columns() : 1;
    return Optional.of(new Access(period, rowStride, full ? 1 : 0));
  }

  /** The kind of reduce.h that sums this domain to {@code target}, or -1. */
  int reduceKind(Shape target) {
    int first = shape.rank() - target.rank();
    boolean[] kept = new boolean[shape.rank()];
    for (int i = 0; i < shape.rank(); i++) {
      kept[i] = i >= first && target.dim(i - first) != 1;
    }
    boolean rowsKept = all(kept, 0, split, true);
    boolean rowsDropped = all(kept, 0, split, false);
    boolean columnsKept = all(kept, split, shape.rank(), true);
    boolean columnsDropped = all(kept, split, shape.rank(), false);
    if (rowsDropped && columnsDropped) {
      return 0;
    }
    if (rowsKept && columnsDropped) {
      return 1;
    }
    if (rowsDropped && columnsKept) {
      return 2;
    }
    return columnsDropped && channels(target) > 1 ? 3 : -1;
  }

  /**
   * For kind 3, the number of channels: kept axes between dropped ones. 0 if the target has another
   * form.
   */
  long channels(Shape target) {
    int first = shape.rank() - target.rank();
    long channels = 1;
    boolean dropped = false;
    for (int i = split - 1; i >= 0; i--) {
      if (shape.dim(i) == 1) {
        continue;
      }
      boolean kept = i >= first && target.dim(i - first) != 1;
      if (kept && dropped) {
        return 0;
      }
      dropped |= !kept;
      channels *= kept ? shape.dim(i) : 1;
    }
    return channels;
  }

  private boolean all(boolean[] kept, int from, int to, boolean value) {
    for (int i = from; i < to; i++) {
      if (shape.dim(i) != 1 && kept[i] != value) {
        return false;
      }
    }
    return true;
  }
}
