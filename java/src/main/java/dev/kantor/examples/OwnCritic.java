package dev.kantor.examples;

import dev.kantor.gan.Design;
import dev.kantor.gan.Learner;
import dev.kantor.gan.Objective;
import dev.kantor.gan.Regulariser;
import dev.kantor.gan.Samples;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.graph.Value;
import dev.kantor.nn.Activation;
import dev.kantor.nn.Initialisation;
import dev.kantor.nn.Mlp;
import dev.kantor.nn.Module;
import dev.kantor.optim.Optimizer;
import dev.kantor.tensor.Device;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;

/**
 * A GAN of one's own: a smooth critic with layer norm, an own objective, and the gradient penalty,
 * on 8 x 8 pictures of one bar.
 */
public final class OwnCritic {
  private OwnCritic() {}

  /** The margin of the scores, squashed: each side is bounded, so no sample dominates. */
  private record SquashedMargin() implements Objective {
    @Override
    public Value discriminator(Value real, Value fake) {
      return Ops.sub(Ops.mean(Ops.tanh(fake)), Ops.mean(Ops.tanh(real)));
    }

    @Override
    public Value generator(Value real, Value fake) {
      return Ops.neg(Ops.mean(Ops.tanh(fake)));
    }
  }

  public static void main(String[] args) {
    run(System.out, 2000);
  }

  /** Trains for some iterations and prints the distance before and after. */
  public static void run(PrintStream out, int iterations) {
    Module generator =
        Mlp.of(
            "generator",
            List.of(8L, 64L, 64L),
            Activation.SILU,
            Activation.TANH,
            false,
            Initialisation.FRAMEWORK);
    Module critic =
        Mlp.of(
            "critic",
            List.of(64L, 64L, 64L, 1L),
            Activation.SOFTPLUS,
            null,
            true,
            Initialisation.FRAMEWORK);
    Optimizer adam = new Optimizer.Adam(1e-3, 0.5, 0.9, 1e-8, 0);
    Design design =
        new Design(
            generator,
            critic,
            new SquashedMargin(),
            new Regulariser.GradientPenalty(1, true),
            adam,
            adam,
            0,
            0,
            2,
            32,
            8);
    try (Arena arena = Arena.ofConfined();
        Device device = Device.open("cpu", 0);
        State state = new State(device);
        Learner learner =
            new Learner(
                design, state, Samples.of(bars(arena, 512), 512), 7, Program.Options.DEFAULT)) {
      learner.job().iteration().run(iterations);
      int columns = learner.job().metrics().size();
      int distance = learner.job().metrics().indexOf("distance");
      float[] ring = state.floats(learner.job().ring());
      int rows = ring.length / columns;
      out.printf(
          "distance after 10 iterations %.3f, after %d %.3f%n",
          ring[9 * columns + distance],
          iterations,
          ring[(iterations - 1) % rows * columns + distance]);
    }
  }

  private static MemorySegment bars(Arena arena, int count) {
    MemorySegment images = arena.allocate(count * 64L, 64);
    Random random = new Random(1);
    for (int i = 0; i < count; i++) {
      int bar = random.nextInt(8);
      for (int j = 0; j < 8; j++) {
        images.set(ValueLayout.JAVA_BYTE, i * 64L + bar * 8 + j, (byte) 255);
      }
    }
    return images;
  }
}
