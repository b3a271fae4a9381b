package dev.kantor.graph;

import dev.kantor.tensor.DType;
import dev.kantor.tensor.Device;
import dev.kantor.tensor.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** The slots of a device and their memory. Programs share a state; close it after them. */
public final class State implements AutoCloseable {
  private record Entry(Slot slot, Memory memory) {}

  private final Device device;
  private final boolean doublePrecision;
  private final State parent;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  public State(Device device) {
    this(device, false);
  }

  /**
   * @param doublePrecision keeps float32 slots as float64 and runs programs so; the reference
   *     device alone can
   */
  public State(Device device, boolean doublePrecision) {
    this.device = device;
    this.doublePrecision = doublePrecision;
    this.parent = null;
  }

  private State(State parent) {
    this.device = parent.device;
    this.doublePrecision = parent.doublePrecision;
    this.parent = parent;
  }

  /**
   * A state whose programs see this one's slots too, while its own slots are no part of this one.
   * Close it first.
   */
  public State child() {
    return new State(this);
  }

  public Device device() {
    return device;
  }

  boolean isDoublePrecision() {
    return doublePrecision;
  }

  /**
   * Adds a slot, filled with zeros.
   *
   * @throws IllegalArgumentException if there is one of that name
   */
  public Slot add(Slot slot) {
    long bytes = slot.shape().count() * Lowering.promoted(slot.dtype(), doublePrecision).bytes();
    return add(slot, device.allocate(bytes));
  }

  /**
   * Adds a read-only slot over host memory, a mapped data set say, which must outlive this state.
   */
  public Slot addMapped(Slot slot, MemorySegment contents) {
    if (contents.byteSize() != slot.spec().bytes()) {
      throw new IllegalArgumentException(
          "slot "
              + slot.name()
              + " is "
              + slot.spec()
              + ", "
              + slot.spec().bytes()
              + " bytes, not "
              + contents.byteSize());
    }
    return add(slot, device.wrap(contents));
  }

  private Slot add(Slot slot, Memory memory) {
    if (contains(slot.name())) {
      memory.close();
      throw new IllegalArgumentException("there is a slot " + slot.name() + " already");
    }
    entries.put(slot.name(), new Entry(slot, memory));
    return slot;
  }

  public boolean contains(String name) {
    return entries.containsKey(name) || (parent != null && parent.contains(name));
  }

  /**
   * The slot of a name.
   *
   * @throws NoSuchElementException if there is none
   */
  public Slot slot(String name) {
    return entry(name).slot;
  }

  /** All slots, in the order in which they were added. */
  public List<Slot> slots() {
    return entries.values().stream().map(Entry::slot).toList();
  }

  /** Whether a slot is over host memory that programs only read. */
  public boolean isMapped(Slot slot) {
    return entry(slot.name()).memory.isWrapped();
  }

  Memory memory(Slot slot) {
    Entry e = entry(slot.name());
    if (!e.slot.equals(slot)) {
      throw new IllegalArgumentException(
          "slot " + slot.name() + " is " + e.slot.spec() + ", not " + slot.spec());
    }
    return e.memory;
  }

  private Entry entry(String name) {
    Entry e = entries.get(name);
    if (e == null && parent != null) {
      return parent.entry(name);
    }
    if (e == null) {
      throw new NoSuchElementException("no slot " + name + "; there are " + entries.keySet());
    }
    return e;
  }

  /** The slot's bytes in a new segment of {@code arena}. */
  public MemorySegment read(Slot slot, Arena arena) {
    return memory(slot).toHost(arena);
  }

  /** Replaces the slot's bytes. */
  public void write(Slot slot, MemorySegment contents) {
    Memory memory = memory(slot);
    if (contents.byteSize() != memory.bytes()) {
      throw new IllegalArgumentException(
          "slot " + slot.name() + " has " + memory.bytes() + " bytes, not " + contents.byteSize());
    }
    memory.write(0, contents);
  }

  /** The contents of a floating-point slot. */
  public float[] floats(Slot slot) {
    requireFloating(slot);
    if (isDouble(slot)) {
      double[] d = doubles(slot);
      float[] f = new float[d.length];
      for (int i = 0; i < f.length; i++) {
        f[i] = (float) d[i];
      }
      return f;
    }
    try (Arena arena = Arena.ofConfined()) {
      return read(slot, arena).toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** The contents of a floating-point slot, in the precision of this state. */
  public double[] doubles(Slot slot) {
    requireFloating(slot);
    if (isDouble(slot)) {
      try (Arena arena = Arena.ofConfined()) {
        return read(slot, arena).toArray(ValueLayout.JAVA_DOUBLE);
      }
    }
    float[] f = floats(slot);
    double[] d = new double[f.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = f[i];
    }
    return d;
  }

  private boolean isDouble(Slot slot) {
    return Lowering.promoted(slot.dtype(), doublePrecision) == DType.F64;
  }

  public void set(Slot slot, float... contents) {
    double[] d = new double[contents.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = contents[i];
    }
    set(slot, d);
  }

  /** Replaces the contents of a floating-point slot, in the precision of this state. */
  public void set(Slot slot, double... contents) {
    requireFloating(slot);
    try (Arena arena = Arena.ofConfined()) {
      boolean f64 = isDouble(slot);
      MemorySegment s = arena.allocate(contents.length * (f64 ? 8L : 4L), 64);
      for (int i = 0; i < contents.length; i++) {
        if (f64) {
          s.setAtIndex(ValueLayout.JAVA_DOUBLE, i, contents[i]);
        } else {
          s.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) contents[i]);
        }
      }
      write(slot, s);
    }
  }

  /** The contents of an int64 slot. */
  public long[] longs(Slot slot) {
    try (Arena arena = Arena.ofConfined()) {
      return read(slot, arena).toArray(ValueLayout.JAVA_LONG);
    }
  }

  /** Replaces the contents of an int64 slot. */
  public void set(Slot slot, long... contents) {
    try (Arena arena = Arena.ofConfined()) {
      write(slot, arena.allocateFrom(ValueLayout.JAVA_LONG, contents));
    }
  }

  /** The contents of an int32 slot. */
  public int[] ints(Slot slot) {
    try (Arena arena = Arena.ofConfined()) {
      return read(slot, arena).toArray(ValueLayout.JAVA_INT);
    }
  }

  /** Replaces the contents of an int32 slot. */
  public void setInts(Slot slot, int... contents) {
    try (Arena arena = Arena.ofConfined()) {
      write(slot, arena.allocateFrom(ValueLayout.JAVA_INT, contents));
    }
  }

  private static void requireFloating(Slot slot) {
    if (!slot.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "slot " + slot.name() + " is " + slot.spec() + ", not floating-point");
    }
  }

  /** Bytes of device memory held, mapped data not counted. */
  public long bytes() {
    Collection<Entry> all = entries.values();
    return all.stream().filter(e -> !e.memory.isWrapped()).mapToLong(e -> e.memory.bytes()).sum();
  }

  @Override
  public void close() {
    entries.values().forEach(e -> e.memory.close());
    entries.clear();
  }
}
