package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Ops that bring values into a graph: state, random numbers, data. Nothing flows back through them.
 */
interface Sources {

  /** The contents of a slot when the program's iteration starts. */
  record ReadSlot(Slot slot) implements Op {
    @Override
    public String label() {
      return "read " + slot.name();
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(slot.spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of();
    }
  }

  /**
   * Standard normal numbers (normal.h). Inputs: seed, counter.
   *
   * @param stream tells this op's numbers from those of every other
   */
  record Normal(Shape shape, long stream, long stepScale, long stepOffset) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Sources.requireCounters(label(), in);
      return List.of(Spec.f32(shape));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null);
    }

    @Override
    public long flops(Node node) {
      return 40 * shape.count();
    }
  }

  /** Uniform numbers in [low, high) (uniform.h). Inputs: seed, counter. */
  record Uniform(Shape shape, long stream, long stepScale, long stepOffset, float low, float high)
      implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Sources.requireCounters(label(), in);
      if (!(low < high)) {
        throw Op.mismatch(label(), "low %s is not below high %s", low, high);
      }
      return List.of(Spec.f32(shape));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null);
    }

    @Override
    public long flops(Node node) {
      return 20 * shape.count();
    }
  }

  /**
   * Hyper-parameters with the learning rate of an iteration (rate_schedule.h). Inputs:
   * hyper-parameters f32[8], counter, schedule f32[2].
   *
   * @param length iterations in an epoch
   */
  record RateSchedule(Trace.Fall fall, long length) implements Op {
    @Override
    public String label() {
      return "rate_schedule";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      if (length < 1) {
        throw Op.mismatch(label(), "an epoch of %d iterations; expected at least 1", length);
      }
      return List.of(in.getFirst().spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null, null);
    }
  }

  /**
   * Indices of a batch of samples in the order of its epoch (batch_indices.h). Inputs: seed,
   * counter.
   */
  record BatchIndices(long batch, long count, long stepScale, long stepOffset) implements Op {
    @Override
    public String label() {
      return "batch_indices";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Sources.requireCounters(label(), in);
      if (batch < 1 || batch > count) {
        throw Op.mismatch(
            label(),
            "a batch of %d does not fit %d samples; choose a smaller batch or more data",
            batch,
            count);
      }
      return List.of(new Spec(DType.I32, Shape.of(batch)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null);
    }
  }

  /**
   * Rows of a data set by index, as scale * data + shift (gather.h). Inputs: data [count, width],
   * indices i32 [n].
   */
  record Gather(float scale, float shift) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      Value data = in.get(0);
      Value indices = in.get(1);
      if (data.shape().rank() != 2 || indices.dtype() != DType.I32 || indices.shape().rank() != 1) {
        throw Op.mismatch(
            label(),
            "data is %s and indices %s; expected [count, width] and i32[n]",
            data.spec(),
            indices.spec());
      }
      return List.of(Spec.f32(Shape.of(indices.shape().dim(0), data.shape().dim(1))));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null);
    }
  }

  /** Rows of 0 with 1 at the label's place (one_hot.h). Input: labels i32 [rows]. */
  record OneHot(long classes) implements Op {
    @Override
    public String label() {
      return "one_hot";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value labels = in.getFirst();
      if (labels.dtype() != DType.I32 || labels.shape().rank() != 1) {
        throw Op.mismatch(label(), "labels are %s; expected i32[rows]", labels.spec());
      }
      return List.of(Spec.f32(Shape.of(labels.shape().dim(0), classes)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList((Value) null);
    }
  }

  /** Labels by index (gather.h). Inputs: labels i32 [count, 1], indices i32 [n]. */
  record GatherLabels() implements Op {
    @Override
    public String label() {
      return "gather";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      if (in.get(0).dtype() != DType.I32
          || in.get(0).shape().rank() != 2
          || in.get(1).dtype() != DType.I32) {
        throw Op.mismatch(
            label(),
            "labels are %s and indices %s; expected i32[count, 1] and i32[n]",
            in.get(0).spec(),
            in.get(1).spec());
      }
      return List.of(
          new Spec(DType.I32, Shape.of(in.get(1).shape().dim(0), in.get(0).shape().dim(1))));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, null);
    }
  }

  private static void requireCounters(String label, List<Value> in) {
    for (Value v : in) {
      if (v.dtype() != DType.I64 || v.shape().count() != 1) {
        throw Op.mismatch(
            label,
            "seed and counter are %s and %s; expected i64[1] each",
            in.get(0).spec(),
            in.get(1).spec());
      }
    }
  }
}
