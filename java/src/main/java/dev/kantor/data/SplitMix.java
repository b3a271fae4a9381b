package dev.kantor.data;

/**
 * Random numbers for drawing data: SplitMix64 (Steele, Lea, Flood 2014), a stream of its own for
 * each sample, so that a sample depends on the seed and its index alone. Written out, with
 * StrictMath, because a data set must be the same on every Java and every machine.
 */
public final class SplitMix {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private long state;

  /** The numbers of one sample. */
  public SplitMix(long seed, long stream) {
    state = mix(seed + GOLDEN) ^ mix(stream * GOLDEN + 0x632BE59BD9B4E019L);
  }

  /** 64 random bits. */
  public long next() {
    state += GOLDEN;
    return mix(state);
  }

  /** Uniform in [0, 1). */
  public double uniform() {
    return (next() >>> 11) * 0x1p-53;
  }

  /** Uniform in [low, high). */
  public double uniform(double low, double high) {
    return low + (high - low) * uniform();
  }

  /** Uniform in [0, bound); the bias of bound / 2^64 does not matter here. */
  public int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(next(), bound);
  }

  /** Standard normal (Box and Muller). */
  public double normal() {
    return StrictMath.sqrt(-2 * StrictMath.log(1 - uniform()))
        * StrictMath.cos(2 * Math.PI * uniform());
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
