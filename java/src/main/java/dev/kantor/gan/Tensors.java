package dev.kantor.gan;

import dev.kantor.graph.Ops;
import dev.kantor.graph.Slot;
import dev.kantor.graph.State;
import dev.kantor.graph.Trace;
import dev.kantor.graph.Value;
import dev.kantor.nn.Module;
import dev.kantor.nn.Parameter;
import java.util.ArrayList;
import java.util.List;

/** The tensors of a model's networks: what they begin with, and their moving averages. */
record Tensors(State state, List<Parameter> all) {
  // A range of random streams of its own, so that nothing else that the seed drives depends on it.
  private static final long INITIAL_STREAMS = 1L << 24;

  private static final int EMA_DECAY = 6; // its place in the hyper-parameters (optimizer.h)

  /** Adds the slots of the networks' parameters, then of their buffers, to a state. */
  static Tensors add(State state, List<? extends Module> networks) {
    List<Parameter> all = new ArrayList<>(parameters(networks));
    networks.forEach(n -> all.addAll(n.buffers()));
    all.forEach(p -> state.add(p.slot()));
    return new Tensors(state, List.copyOf(all));
  }

  static List<Parameter> parameters(List<? extends Module> networks) {
    return networks.stream().flatMap(n -> n.parameters().stream()).toList();
  }

  /** Writes the first values of the tensors and of their moving averages. */
  void traceInitial(Trace t, Slot seed, Slot counter) {
    t.streamsFrom(INITIAL_STREAMS);
    Trace.Clock clock = new Trace.Clock(seed, counter, 1, 0);
    for (Parameter p : all) {
      long[] dims = p.slot().shape().dims();
      Value v =
          switch (p.initial()) {
            case Parameter.Initial.Uniform(double bound) -> t.uniform(clock, -bound, bound, dims);
            case Parameter.Initial.Normal(double deviation) ->
                Ops.scale(t.normal(clock, dims), deviation);
            case Parameter.Initial.Constant(double value) -> Ops.full(value, dims);
          };
      t.write(p.slot(), v);
      Slot average = average(p);
      if (state.contains(average.name())) {
        t.write(average, v);
      }
    }
  }

  /** The slot of a tensor's moving average, where there is one. */
  static Slot average(Parameter p) {
    return new Slot(p.slot().name() + ".ema", p.slot().dtype(), p.slot().shape());
  }

  /** Adds the slots of the buffers' moving averages; those of parameters are the optimiser's. */
  static void addAverages(State state, Module network) {
    network.buffers().forEach(p -> state.add(average(p)));
  }

  /**
   * Moves the averages of a network's buffers, as the optimiser does those of its parameters.
   *
   * @param hyper the optimiser's hyper-parameters of this iteration
   */
  static void updateAverages(Trace t, Module network, Value hyper) {
    Value decay = Ops.slice(hyper, 0, EMA_DECAY, 1);
    Value rest = Ops.sub(Ops.full(1, 1), decay);
    for (Parameter p : network.buffers()) {
      Slot average = average(p);
      t.write(average, Ops.add(Ops.mul(t.read(average), decay), Ops.mul(t.read(p.slot()), rest)));
    }
  }

  static List<Value> read(Trace t, Module... networks) {
    return parameters(List.of(networks)).stream().map(p -> t.read(p.slot())).toList();
  }

  /** Of what guardedNorms gives, the norm of all tensors together. */
  static Value totalNorm(Value norms) {
    return Ops.slice(norms, 0, norms.shape().dim(0) - 1, 1);
  }
}
