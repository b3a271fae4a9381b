package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Records the operations of the calling thread as a {@link Graph}.
 *
 * <pre>{@code
 * Slot x = Slot.f32("x", 3), y = Slot.f32("y", 3);
 * Graph graph = Trace.of(t -> t.write(y, Ops.scale(t.read(x), 2)));
 * }</pre>
 */
public final class Trace {
  private static final ThreadLocal<Trace> CURRENT = new ThreadLocal<>();

  private final List<Node> nodes = new ArrayList<>();
  private final Set<Node> known = new HashSet<>();
  private final Map<Slot, Value> versions = new LinkedHashMap<>();
  private final Set<Slot> written = new HashSet<>();
  private final Map<String, Slot> names = new LinkedHashMap<>();
  private Slot fault;
  private long streams;
  private Clock layers;
  private Slot iteration;
  private long epoch;

  private Trace() {}

  /** What a trace records. */
  @FunctionalInterface
  public interface Body {
    void trace(Trace trace);
  }

  /**
   * Runs {@code body} and returns the graph of its operations.
   *
   * @throws IllegalStateException if a trace is open on this thread already
   */
  public static Graph of(Body body) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("a trace is open on this thread already; traces do not nest");
    }
    Trace trace = new Trace();
    CURRENT.set(trace);
    try {
      body.trace(trace);
    } finally {
      CURRENT.remove();
    }
    Map<Slot, Value> results = new LinkedHashMap<>();
    trace.versions.forEach(
        (slot, v) -> {
          if (trace.written.contains(slot)) {
            results.put(slot, v);
          }
        });
    return new Graph(trace.nodes, results);
  }

  static Trace current() {
    return CURRENT.get();
  }

  /** The slot's contents at this point of the iteration. */
  public Value read(Slot slot) {
    Slot same = names.putIfAbsent(slot.name(), slot);
    if (same != null && !same.equals(slot)) {
      throw new IllegalArgumentException(
          "two slots are named " + slot.name() + ": " + same + " and " + slot);
    }
    return versions.computeIfAbsent(slot, s -> record(new Sources.ReadSlot(s), List.of()).output());
  }

  /** Lets {@link #read} of a slot give another value from this point on, without writing it. */
  public void substitute(Slot slot, Value value) {
    checked(new Effects.Assign(), List.of(value));
    versions.put(slot, value);
  }

  /** Replaces the slot's contents from this point on. Skipped once the fault flag is set. */
  public void write(Slot slot, Value value) {
    Value old = read(slot);
    if (old == value) {
      return;
    }
    update(new Effects.Assign(), List.of(old, value), List.of(slot));
  }

  /**
   * Makes {@code slot}, i64[4], the fault flag of everything that follows: see {@link
   * #guardedNorms}. While its first element is not 0, nothing is written to state.
   */
  public void faultSlot(Slot slot) {
    fault = slot;
    read(slot);
  }

  /**
   * The norm of each tensor and of all together, f32[T + 1]; raises the fault flag if an element is
   * not finite.
   *
   * @param counter what the flag records as the time
   * @param firstTensor the number it records for the first tensor
   */
  public Value guardedNorms(Slot counter, List<Value> tensors, int firstTensor) {
    if (fault == null) {
      throw new IllegalStateException("guardedNorms needs a fault slot: call faultSlot first");
    }
    List<Value> in = new ArrayList<>();
    in.add(read(counter));
    in.addAll(tensors);
    in.add(read(fault));
    Node n = record(new Effects.GradientNorms(firstTensor), in);
    versions.put(fault, n.outputs.get(1));
    written.add(fault);
    return n.outputs.get(0);
  }

  /** The update rules of optimizer.h. */
  public enum Rule {
    /** Kingma and Ba 2015; both moments. */
    ADAM,
    /** Tieleman and Hinton 2012; the second moment. */
    RMSPROP,
    /** With momentum; the first moment. */
    SGD
  }

  /**
   * A parameter and the state that its update keeps.
   *
   * @param first first moment, null where the rule has none
   * @param second second moment, null where the rule has none
   * @param average exponential moving average of the parameter, or null
   * @param clip whether its values are clipped to [-c, c] after the update
   * @param decay whether weight decay applies
   */
  public record Updated(
      Slot parameter, Slot first, Slot second, Slot average, boolean clip, boolean decay) {}

  /**
   * One update of many parameters in one pass over their state (optimizer.h).
   *
   * @param hyper f32[8]: learning rate, beta1, beta2, epsilon, weight decay, clip, EMA decay, 0
   * @param step i64[1], the number of updates
   * @param gradients one for each parameter
   */
  public void optimize(
      Rule rule, Value hyper, Slot step, List<Updated> parameters, List<Value> gradients) {
    if (parameters.size() != gradients.size()) {
      throw new IllegalArgumentException(
          parameters.size() + " parameters but " + gradients.size() + " gradients");
    }
    boolean ema = parameters.stream().anyMatch(p -> p.average != null);
    List<Slot> slots = new ArrayList<>(List.of(step));
    for (Updated p : parameters) {
      slots.add(p.parameter);
      for (Slot s : new Slot[] {p.first, p.second, p.average}) {
        if (s != null) {
          slots.add(s);
        }
      }
    }
    List<Value> in = new ArrayList<>(List.of(hyper));
    in.addAll(gradients);
    slots.forEach(s -> in.add(read(s)));
    update(
        new Effects.Optimize(
            rule,
            ema,
            parameters.stream().map(Updated::clip).toList(),
            parameters.stream().map(Updated::decay).toList()),
        in,
        slots);
  }

  /** How a learning rate falls (rate_schedule.h). */
  public enum Fall {
    /** By the same amount in each iteration. */
    LINEAR,
    /** Along half a cosine (Loshchilov, Hutter 2017, section 3). */
    COSINE
  }

  /**
   * Says how far the training is, for {@link #scheduled}.
   *
   * @param counter i64[1], the number of iterations done
   * @param length iterations in an epoch
   */
  public void epochs(Slot counter, long length) {
    iteration = counter;
    epoch = length;
  }

  /**
   * Hyper-parameters with the learning rate of this iteration (rate_schedule.h).
   *
   * @param hyper f32[8], as {@link #optimize} takes them
   * @param schedule f32[2]: the epochs in which the rate falls, and to what share of it
   * @throws IllegalStateException if the trace does not know its epochs
   */
  public Value scheduled(Fall fall, Slot hyper, Slot schedule) {
    if (iteration == null) {
      throw new IllegalStateException(
          "a learning rate follows a schedule, or there is an EMA, but this trace does not know its"
              + " epochs; call Trace.epochs before the update");
    }
    return record(
            new Sources.RateSchedule(fall, epoch),
            List.of(read(hyper), read(iteration), read(schedule)))
        .output();
  }

  /** Adds to an i64[1] slot. */
  public void increment(Slot counter, long amount) {
    update(new Effects.CounterAdd(amount), List.of(read(counter)), List.of(counter));
  }

  /**
   * Writes the values, one after the other, as row (counter mod rows) of a ring f32[rows, width].
   */
  public void ringWrite(Slot ring, Slot counter, List<Value> values) {
    List<Value> in = new ArrayList<>();
    in.add(read(counter));
    in.addAll(values);
    in.add(read(ring));
    update(new Effects.RingWrite(), in, List.of(ring));
  }

  /**
   * Numbers the random streams of the ops that follow from {@code first} on. Programs that share a
   * seed take ranges of their own, so that one's numbers never depend on whether the other ran.
   */
  public void streamsFrom(long first) {
    streams = first;
  }

  /**
   * Where a random op's numbers come from: position {@code counter * scale + offset} of a stream of
   * its own.
   */
  public record Clock(Slot seed, Slot counter, long scale, long offset) {
    public Clock {
      if (scale < 1 || offset < 0 || offset >= scale) {
        throw new IllegalArgumentException(
            "offset " + offset + " must be in [0, scale) and scale positive: " + scale);
      }
    }
  }

  /** Standard normal numbers, new ones each iteration. */
  public Value normal(Clock clock, long... dims) {
    return record(
            new Sources.Normal(Shape.of(dims), streams++, clock.scale, clock.offset),
            List.of(read(clock.seed), read(clock.counter)))
        .output();
  }

  /** Uniform numbers in [low, high), new ones each iteration. */
  public Value uniform(Clock clock, double low, double high, long... dims) {
    return record(
            new Sources.Uniform(
                Shape.of(dims), streams++, clock.scale, clock.offset, (float) low, (float) high),
            List.of(read(clock.seed), read(clock.counter)))
        .output();
  }

  /**
   * Where layers that need random numbers of their own take them from: see {@link
   * #uniform(long...)}.
   */
  public void layersDrawFrom(Clock clock) {
    layers = clock;
  }

  /**
   * Uniform numbers in [0, 1) for a layer, new ones each iteration.
   *
   * @throws IllegalStateException if the trace has no clock for its layers
   */
  public Value uniform(long... dims) {
    if (layers == null) {
      throw new IllegalStateException(
          "a layer draws random numbers, but this trace has no clock for it; call"
              + " Trace.layersDrawFrom before the forward pass");
    }
    return uniform(layers, 0, 1, dims);
  }

  /**
   * Indices i32[batch] of the clock's batch of an endless sequence of shuffled epochs over {@code
   * count} samples.
   */
  public Value batchIndices(Clock clock, long batch, long count) {
    return record(
            new Sources.BatchIndices(batch, count, clock.scale, clock.offset),
            List.of(read(clock.seed), read(clock.counter)))
        .output();
  }

  /** Rows of data [count, width] (u8 or f32) by index, as scale * data + shift, f32. */
  public Value gather(Slot data, Value indices, double scale, double shift) {
    return record(new Sources.Gather((float) scale, (float) shift), List.of(read(data), indices))
        .output();
  }

  /** Labels i32 [n] of samples by index; the labels of all are i32 [count, 1]. */
  public Value gatherLabels(Slot labels, Value indices) {
    Value rows = record(new Sources.GatherLabels(), List.of(read(labels), indices)).output();
    return Ops.reshape(rows, indices.shape());
  }

  /** Counts of x's elements in equal bins of [low, high], i64[bins]. */
  public Value histogram(Value x, int bins, double low, double high) {
    return record(new Effects.Histogram(bins, (float) low, (float) high), List.of(x)).output();
  }

  /** Records an op that gives {@code slots} new contents. */
  List<Value> update(Op op, List<Value> inputs, List<Slot> slots) {
    List<Value> after = fault == null ? List.of() : List.of(read(fault));
    Node n = add(new Node(op, checked(op, inputs), after));
    for (int i = 0; i < slots.size(); i++) {
      versions.put(slots.get(i), n.outputs.get(i));
      written.add(slots.get(i));
    }
    return n.outputs;
  }

  Node record(Op op, List<Value> inputs) {
    return add(new Node(op, checked(op, inputs)));
  }

  private Node add(Node n) {
    nodes.add(n);
    known.add(n);
    return n;
  }

  private List<Value> checked(Op op, List<Value> inputs) {
    for (Value v : inputs) {
      if (!known.contains(v.node)) {
        throw new IllegalArgumentException(
            op.label()
                + ": an operand of shape "
                + v.shape()
                + " was made outside this trace; hand it in through a slot (Trace.read)");
      }
    }
    return inputs;
  }
}
