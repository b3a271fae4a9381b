package dev.kantor.graph;

import dev.kantor.nativelib.Native;
import dev.kantor.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * A graph compiled for a state's device. Replaying it touches neither Java's heap nor the host's
 * data.
 */
public final class Program implements AutoCloseable {
  private static final int MAGIC = 0x5250544B;
  private static final int VERSION = 1;
  private static final int ARENA = -1;
  private static final int NO_SLOT = -1;
  private static final int GUARDED = 1;
  private static final int PRECISION_SHIFT = 1;

  private final long handle;
  private final Graph graph;
  private final Graph optimised;
  private final List<Kernel> kernels;
  private final long arenaBytes;
  private boolean closed;

  /**
   * Which passes run; all of them by default. Results agree to rounding whatever is chosen, which
   * the tests hold them to.
   *
   * @param merge merge passes over the same network that are independent by row
   * @param fuse fuse elementwise chains with each other, with matrix products and with sums
   * @param precision of matrix products and convolutions; a CPU takes {@link Precision#FP32} alone
   */
  public record Options(boolean merge, boolean fuse, Precision precision) {
    public static final Options DEFAULT = new Options(true, true);

    public Options {
      Objects.requireNonNull(precision, "precision");
    }

    /** In fp32. */
    public Options(boolean merge, boolean fuse) {
      this(merge, fuse, Precision.FP32);
    }

    /** All passes. */
    public static Options in(Precision precision) {
      return new Options(true, true, precision);
    }
  }

  /** Compiles with all passes. */
  public static Program compile(Graph graph, State state) {
    return compile(graph, state, Options.DEFAULT);
  }

  /**
   * Compiles a graph: dead code and common subexpressions, merging, fusion, memory plan, lowering.
   *
   * @throws java.util.NoSuchElementException if the state lacks a slot of the graph
   * @throws dev.kantor.nativelib.KantorException if the device cannot run it
   */
  public static Program compile(Graph graph, State state, Options options) {
    boolean gpu = state.device().name().startsWith("cuda");
    Graph g = SplitNorms.dropZeroSums(Simplify.run(graph));
    if (options.merge) {
      g = MergeRows.run(g, gpu);
    }
    if (options.fuse) {
      g = ChainConvolutions.run(FoldNorms.run(g));
      g = FoldScales.run(gpu ? g : SplitNorms.run(g));
      g = Fuse.duplicateCheap(Fuse.sliceBeforeCheap(g));
      // On a GPU a convolution reads each element of an operand once a tap: making it anew each
      // time costs more than it does to store it.
      g = gpu ? g : Recompute.run(g);
    }
    Slot fault = null;
    for (Node n : g.nodes) {
      if (n.op instanceof Effects.GradientNorms) {
        fault = slotOf(n.inputs.getLast());
      }
    }
    Placement placement = new Placement(g, fault != null);
    List<Kernel> kernels = new ArrayList<>();
    for (Fuse.Unit u : Schedule.order(g, Fuse.run(g, options.fuse))) {
      kernels.addAll(Lowering.kernels(g, u, placement, fault != null));
    }
    kernels = options.precision.apply(kernels);
    MemoryPlan plan = new MemoryPlan(kernels, placement, state.isDoublePrecision());
    return new Program(graph, g, kernels, placement, plan, state, fault);
  }

  private static Slot slotOf(Value v) {
    Value at = v;
    while (!(at.node.op instanceof Sources.ReadSlot)) {
      at = at.node.inputs.get(Effects.inPlaceInput(at.node, at.index));
    }
    return ((Sources.ReadSlot) at.node.op).slot();
  }

  private Program(
      Graph graph,
      Graph optimised,
      List<Kernel> kernels,
      Placement placement,
      MemoryPlan plan,
      State state,
      Slot fault) {
    this.graph = graph;
    this.optimised = optimised;
    this.kernels = List.copyOf(kernels);
    this.arenaBytes = plan.bytes();
    Map<Slot, Integer> slots = new LinkedHashMap<>();
    for (Node n : optimised.nodes) {
      if (n.op instanceof Sources.ReadSlot(Slot slot)) {
        slots.putIfAbsent(slot, slots.size());
      }
    }
    Writer w = new Writer();
    w.u32(MAGIC).u32(VERSION).u32(slots.size());
    for (Slot slot : slots.keySet()) {
      DType t = Lowering.promoted(slot.dtype(), state.isDoublePrecision());
      w.u32(t.code()).i64(slot.shape().count() * t.bytes());
    }
    w.i64(arenaBytes).u32(fault == null ? NO_SLOT : slots.get(fault)).u32(kernels.size());
    for (Kernel k : kernels) {
      w.name(k.op())
          .u32((k.guarded() ? GUARDED : 0) | k.precision().ordinal() << PRECISION_SHIFT)
          .u32(k.inputs().size())
          .u32(k.outputs().size())
          .u32(k.attributes().length);
      for (List<Value> operands : List.of(k.inputs(), k.outputs())) {
        for (Value v : operands) {
          Placement.Home home = placement.home(v);
          DType t = Lowering.promoted(v.dtype(), state.isDoublePrecision());
          boolean inSlot = home.root().node.op instanceof Sources.ReadSlot;
          w.u32(inSlot ? slots.get(((Sources.ReadSlot) home.root().node.op).slot()) : ARENA)
              .u32(t.code());
          w.i64((inSlot ? 0 : plan.offset(home.root())) + home.offset() * t.bytes());
          w.u32(v.shape().rank());
          for (long d : v.shape().dims()) {
            w.i64(d);
          }
        }
      }
      for (long a : k.attributes()) {
        w.i64(a);
      }
    }
    long[] memories = slots.keySet().stream().mapToLong(s -> state.memory(s).handle()).toArray();
    try (Arena arena = Arena.ofConfined()) {
      byte[] bytes = w.bytes.toByteArray();
      MemorySegment segment = arena.allocate(bytes.length, 8);
      segment.copyFrom(MemorySegment.ofArray(bytes));
      handle = Native.createProgram(state.device().handle(), segment, memories);
    }
  }

  private static final class Writer {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

    Writer u32(int v) {
      buffer.putInt(0, v);
      bytes.write(buffer.array(), 0, 4);
      return this;
    }

    Writer i64(long v) {
      buffer.putLong(0, v);
      bytes.write(buffer.array(), 0, 8);
      return this;
    }

    Writer name(String s) {
      byte[] b = s.getBytes(StandardCharsets.US_ASCII);
      buffer.putShort(0, (short) b.length);
      bytes.write(buffer.array(), 0, 2);
      bytes.writeBytes(b);
      return this;
    }
  }

  /**
   * Replays the program.
   *
   * @return how many whole iterations were done, and whether it was cancelled or met a non-finite
   *     value
   */
  public Native.RunResult run(long iterations) {
    return Native.run(handle, iterations);
  }

  /** Ends the run under way, or else the next, after its current iteration. From any thread. */
  public void cancel() {
    Native.cancel(handle);
  }

  /** Starts or stops measuring the time of each kernel. */
  public void profile(boolean on) {
    Native.profile(handle, on);
  }

  /** JSON: arena, scratch, stages, and each instruction's operands and measured time. */
  public String describeNative() {
    return Native.describeProgram(handle);
  }

  public Graph graph() {
    return graph;
  }

  public Graph optimised() {
    return optimised;
  }

  /** Arithmetic operations of one iteration. */
  public long flops() {
    return kernels.stream().mapToLong(Kernel::flops).sum();
  }

  /** Bytes of one iteration if each kernel's operands cross the memory bus once. */
  public long bytes() {
    return kernels.stream().mapToLong(Kernel::bytes).sum();
  }

  /** Bytes of working memory. */
  public long arenaBytes() {
    return arenaBytes;
  }

  List<Kernel> kernels() {
    return kernels;
  }

  public int kernelCount() {
    return kernels.size();
  }

  /** A listing of the kernels, with arithmetic and bytes. */
  public String describe() {
    StringBuilder s = new StringBuilder();
    s.append(
        String.format(
            Locale.ROOT, "%-4s %-60s %-34s %12s %12s%n", "#", "kernel", "result", "MFLOP", "KB"));
    int i = 0;
    for (Kernel k : kernels) {
      String named = k.precision() == Precision.FP32 ? k.label() : k.precision() + " " + k.label();
      String label = named.length() > 60 ? named.substring(0, 57) + "..." : named;
      String result =
          String.join(" ", k.outputs().stream().limit(3).map(v -> v.spec().toString()).toList())
              + (k.outputs().size() > 3 ? " .. (" + k.outputs().size() + ")" : "");
      s.append(
          String.format(
              Locale.ROOT,
              "%-4d %-60s %-34s %12.3f %12.1f%n",
              i++,
              label,
              result,
              k.flops() / 1e6,
              k.bytes() / 1024.0));
    }
    return s.toString();
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Native.destroyProgram(handle);
    }
  }
}
