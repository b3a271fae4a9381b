package dev.kantor.gan;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.Value;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import dev.kantor.nn.Pass;
import dev.kantor.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * How a model draws: noise, and the class asked for where it has classes, through a network.
 *
 * @param network [rows, latent + classes] to samples [rows, features]
 * @param latent numbers of noise, drawn from N(0, I)
 * @param classes the one-hot class follows the noise; 0: none
 * @param range of the network's samples
 * @param averaged whether a moving average of the network's tensors is kept, which is drawn from
 */
public record Generation(Module network, long latent, long classes, Range range, boolean averaged) {
  /** The values that the numbers of samples take. */
  public enum Range {
    /** Of a tanh: [-1, 1]. */
    SIGNED,
    /** Of a sigmoid: [0, 1]. */
    UNIT,
    /** Any: those of the data as they are, which are no pixels. */
    FREE;

    private static final double MOST = 255;

    /** What the data are: bytes where the range has ends, else floats. */
    DType type() {
      return this == FREE ? DType.F32 : DType.U8;
    }

    /** What the data are multiplied by, and what is added then, to come into the range. */
    double scale() {
      return switch (this) {
        case SIGNED -> 2 / MOST;
        case UNIT -> 1 / MOST;
        case FREE -> 1;
      };
    }

    double shift() {
      return this == SIGNED ? -1 : 0;
    }
  }

  public Generation {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(range, "range");
    if (latent < 1 || classes < 0) {
      throw new IllegalArgumentException(
          "expected a latent size of at least 1 and no fewer than 0 classes: "
              + latent
              + ", "
              + classes);
    }
  }

  /**
   * Writes the drawing of samples.
   *
   * @param z [rows, latent]
   * @param labels i32 [rows]; unused without classes
   * @return [rows, features]: pixels in [-1, 1], whatever the network's range; else as they are
   */
  Value draw(Pass pass, Value z, Value labels) {
    Value in = classes == 0 ? z : Ops.concat(1, z, Ops.oneHot(labels, classes));
    Value x = network.forward(pass, in);
    return range == Range.UNIT ? Ops.shift(Ops.scale(x, 2), -1) : x;
  }

  /** The network's tensors, whose averages are kept if any are. */
  List<Parameter> tensors() {
    List<Parameter> all = new ArrayList<>(network.parameters());
    all.addAll(network.buffers());
    return all;
  }

  /** The slots that drawing reads. */
  public List<Slot> slots() {
    List<Slot> slots = new ArrayList<>();
    for (Parameter p : tensors()) {
      slots.add(p.slot());
      if (averaged) {
        slots.add(Tensors.average(p));
      }
    }
    return slots;
  }
}
