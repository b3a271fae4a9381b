package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Ops that update state in place: they take the old contents as inputs and give the new ones as
 * outputs.
 */
interface Effects {

  /**
   * One update of many parameters (optimizer.h). Inputs: hyper-parameters f32[8], the gradients,
   * the step counter, then the old parameter, moments and moving average of each tensor. Outputs:
   * the new step counter, then the new state in the same order.
   *
   * @param clip for each tensor, whether its values are clipped after the update
   */
  record Optimize(Trace.Rule rule, boolean ema, List<Boolean> clip, List<Boolean> decay)
      implements Op {
    public Optimize {
      clip = List.copyOf(clip);
      decay = List.copyOf(decay);
    }

    int tensors() {
      return clip.size();
    }

    int statePerTensor() {
      return 1 + (rule == Trace.Rule.ADAM ? 2 : 1) + (ema ? 1 : 0);
    }

    @Override
    public String label() {
      return rule.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      int t = tensors();
      int per = statePerTensor();
      if (in.size() != 2 + t + t * per) {
        throw Op.mismatch(
            label(), "%d inputs for %d tensors; expected %d", in.size(), t, 2 + t + t * per);
      }
      for (int i = 0; i < t; i++) {
        Value g = in.get(1 + i);
        for (int j = 0; j < per; j++) {
          Value s = in.get(2 + t + i * per + j);
          if (!s.spec().equals(g.spec())) {
            throw Op.mismatch(
                label(),
                "the gradient of tensor %d is %s, its state %s; expected one type and shape",
                i,
                g.spec(),
                s.spec());
          }
        }
      }
      return in.subList(1 + t, in.size()).stream().map(Value::spec).toList();
    }

    @Override
    public int inPlace(int output) {
      return 1 + tensors() + output;
    }

    @Override
    public boolean isEffect() {
      return true;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      throw new IllegalArgumentException(
          label() + ": an optimiser's update cannot be differentiated");
    }

    @Override
    public long flops(Node node) {
      long n = 0;
      for (int i = 0; i < tensors(); i++) {
        n += node.inputs.get(1 + i).shape().count();
      }
      return 12 * n;
    }
  }

  /**
   * Norm of each gradient and of all, and the guard against non-finite ones (gradient_norms.h).
   * Inputs: counter, the tensors, the fault slot. Outputs: norms f32[T + 1], the fault slot.
   */
  record GradientNorms(int firstTensor) implements Op {
    @Override
    public String label() {
      return "gradient_norms";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(Spec.f32(Shape.of(in.size() - 1)), in.getLast().spec());
    }

    @Override
    public int inPlace(int output) {
      return output == 1 ? Integer.MAX_VALUE : -1;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      throw new IllegalArgumentException(
          "gradient_norms: cannot be differentiated; write the norm with sqrt and sum");
    }

    @Override
    public long flops(Node node) {
      return 2 * node.inputs.stream().mapToLong(v -> v.shape().count()).sum();
    }
  }

  /** A row of a ring of metrics (ring_write.h). Inputs: counter, the values, the ring. */
  record RingWrite() implements Op {
    @Override
    public String label() {
      return "ring_write";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value ring = in.getLast();
      long width = in.subList(1, in.size() - 1).stream().mapToLong(v -> v.shape().count()).sum();
      if (ring.shape().rank() != 2 || ring.shape().dim(1) != width) {
        throw Op.mismatch(
            label(), "%d values for a ring of %s; expected [rows, %d]", width, ring.spec(), width);
      }
      return List.of(ring.spec());
    }

    @Override
    public int inPlace(int output) {
      return Integer.MAX_VALUE;
    }

    @Override
    public boolean isEffect() {
      return true;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return new ArrayList<>(Collections.nCopies(node.inputs.size(), null));
    }
  }

  /** Adds to a counter. Input: the counter. */
  record CounterAdd(long amount) implements Op {
    @Override
    public String label() {
      return "counter_add";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      if (in.getFirst().dtype() != DType.I64) {
        throw Op.mismatch(label(), "the counter is %s; expected i64", in.getFirst().spec());
      }
      return List.of(in.getFirst().spec());
    }

    @Override
    public int inPlace(int output) {
      return 0;
    }

    @Override
    public boolean isEffect() {
      return true;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Collections.singletonList(null);
    }
  }

  /** Replaces a slot's contents. Inputs: the old contents, the new. */
  record Assign() implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      if (!in.get(0).spec().equals(in.get(1).spec())) {
        throw Op.mismatch(
            label(), "the slot holds %s, the value is %s", in.get(0).spec(), in.get(1).spec());
      }
      return List.of(in.get(0).spec());
    }

    @Override
    public int inPlace(int output) {
      return 0;
    }

    @Override
    public boolean isEffect() {
      return true;
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Arrays.asList(null, g.getFirst());
    }
  }

  /** Counts per bin (histogram.h). Pure; gives i64[bins]. */
  record Histogram(int bins, float low, float high) implements Op {
    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(new Spec(DType.I64, Shape.of(bins)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return Collections.singletonList(null);
    }
  }

  /** The input that an output takes over, with {@link Integer#MAX_VALUE} standing for the last. */
  static int inPlaceInput(Node node, int output) {
    int i = node.op.inPlace(output);
    return i == Integer.MAX_VALUE ? node.inputs.size() - 1 : i;
  }
}
