package dev.kantor.bench;

import dev.kantor.data.DataSets;
import dev.kantor.data.ImageSet;
import dev.kantor.gan.Learner;
import dev.kantor.gan.Model;
import dev.kantor.gan.Samples;
import dev.kantor.gan.Variant;
import dev.kantor.graph.Program;
import dev.kantor.graph.State;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.nio.file.Files;

/**
 * A variant in training with its defaults, but one critic step an iteration, on MNIST if it is in
 * the data folder, else on glyphs.
 */
final class Iteration implements AutoCloseable {
  private final Device device;
  private final State state;
  private final Learner learner;

  Iteration(String variant, int batch, int threads) throws IOException {
    String data =
        Files.isDirectory(DataSets.defaultDataDir().resolve("mnist")) ? "mnist" : "glyphs";
    ImageSet images = (ImageSet) DataSets.open(data, DataSets.Options.defaults());
    device = Device.open("cpu", threads);
    state = new State(device);
    Model model =
        Model.of(
            Variant.of(variant)
                .settings()
                .with("critic-steps", "1")
                .with("batch-size", Integer.toString(batch)),
            images.channels(),
            images.height(),
            images.width());
    Samples samples =
        new Samples(images.images(), images.labels(), images.count(), images.classes());
    learner = new Learner(model, state, samples, 1, Program.Options.DEFAULT);
  }

  void run() {
    learner.job().iteration().run(1);
  }

  /** Arithmetic of an iteration. */
  long flops() {
    return learner.job().iteration().flops();
  }

  @Override
  public void close() {
    learner.close();
    state.close();
    device.close();
  }
}
