package dev.kantor.nn;

import dev.kantor.graph.Value;
import java.util.List;

/** Modules one after the other. */
public record Sequential(List<Module> modules) implements Module {
  public Sequential {
    modules = List.copyOf(modules);
  }

  public static Sequential of(Module... modules) {
    return new Sequential(List.of(modules));
  }

  @Override
  public List<Parameter> parameters() {
    return modules.stream().flatMap(m -> m.parameters().stream()).toList();
  }

  @Override
  public List<Parameter> buffers() {
    return modules.stream().flatMap(m -> m.buffers().stream()).toList();
  }

  @Override
  public Value forward(Pass pass, Value x) {
    Value v = x;
    for (Module m : modules) {
      v = m.forward(pass, v);
    }
    return v;
  }
}
