package dev.kantor.bench.libtorch;

import static java.util.Map.entry;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.BoolPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Times single ops in float32 on drawn inputs, without recording gradients. Each line of stdin is a
 * case, answered by a line of stdout before the next is read, so that whoever asks can take turns:
 *
 * <pre>{@code
 * {"op": "matmul", "attributes": {"transpose_b": true}, "inputs": [[64, 784], [256, 784]]}
 * }</pre>
 *
 * <p>The answer is that of {@link Stopwatch}. Ops are those of {@link Ops} and, here alone,
 *
 * <ul>
 *   <li>{@code conv2d_data_grad} of dY and the weight, with the attributes of {@code conv2d} and
 *       {@code image}, the shape of its result;
 *   <li>{@code conv2d_weight_grad} of dY and the image, likewise with {@code weight};
 *   <li>{@code gather}: rows of a table of bytes (its shape is the first input's), as many as the
 *       second input has, to [-1, 1];
 *   <li>{@code normal}: random numbers of the input's shape;
 *   <li>{@code adam}: an update of parameters of the input's shape.
 * </ul>
 */
final class OpBenchCommand {
  private static final Gson GSON = new Gson();
  private static final long BYTES = 256;

  private record Case(String op, JsonObject attributes, List<long[]> inputs) {
    Case {
      if (op == null || inputs == null || inputs.isEmpty()) {
        throw new IllegalArgumentException("a case needs op and inputs: " + op + ", " + inputs);
      }
      attributes = attributes == null ? new JsonObject() : attributes;
    }

    Tensor drawn(int input) {
      return torch.rand(inputs.get(input));
    }

    /** A number for both axes. */
    long[] pair(String attribute, long otherwise) {
      long value = attributes.has(attribute) ? attributes.get(attribute).getAsLong() : otherwise;
      return new long[] {value, value};
    }

    Tensor empty(String attribute) {
      return torch.empty(GSON.fromJson(attributes.get(attribute), long[].class));
    }
  }

  private static final Map<String, Function<Case, Runnable>> HERE =
      Map.ofEntries(
          entry("conv2d_data_grad", OpBenchCommand::dataGrad),
          entry("conv2d_weight_grad", OpBenchCommand::weightGrad),
          entry("gather", OpBenchCommand::gather),
          entry("normal", c -> () -> torch.randn(c.inputs.getFirst())),
          entry("adam", OpBenchCommand::adam));

  private OpBenchCommand() {}

  static Map<String, Object> run(Options options) throws IOException {
    return run(
        options,
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
        System.out);
  }

  static Map<String, Object> run(Options options, BufferedReader in, PrintStream out)
      throws IOException {
    int cases = 0;
    try (var _ = new InferenceMode(true)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Case c = parse(line);
        try (var _ = new PointerScope()) {
          out.println(GSON.toJson(Stopwatch.time(options, work(c))));
        }
        cases++;
      }
    }
    return Map.of("cases", cases);
  }

  private static Case parse(String line) {
    try {
      return GSON.fromJson(line, Case.class);
    } catch (RuntimeException e) { // Gson's own, and what it wraps a record's objection in
      throw new IllegalArgumentException("expected a case with op and inputs, got " + line, e);
    }
  }

  private static Runnable work(Case c) {
    Function<Case, Runnable> here = HERE.get(c.op);
    if (here != null) {
      return here.apply(c);
    }
    List<Tensor> inputs = c.inputs.stream().map(torch::rand).toList();
    return () -> Ops.evaluate(c.op, c.attributes, inputs);
  }

  private static Runnable dataGrad(Case c) {
    return backward(c, c.drawn(0), c.empty("image"), c.drawn(1), true, false);
  }

  private static Runnable weightGrad(Case c) {
    return backward(c, c.drawn(0), c.drawn(1), c.empty("weight"), false, true);
  }

  private static Runnable backward(
      Case c, Tensor dy, Tensor image, Tensor weight, boolean data, boolean weights) {
    long[] stride = c.pair("stride", 1);
    long[] padding = c.pair("padding", 0);
    long[] dilation = c.pair("dilation", 1);
    long[] none = {0, 0};
    BoolPointer wanted = new BoolPointer(3).put(0, data).put(1, weights).put(2, false);
    long[] noBias = {0};
    return () ->
        torch.convolution_backward(
            dy, image, weight, noBias, stride, padding, dilation, false, none, 1, wanted);
  }

  private static Runnable gather(Case c) {
    Tensor table = torch.randint(BYTES, c.inputs.getFirst(), new TensorOptions(ScalarType.Byte));
    Tensor rows =
        torch.randint(c.inputs.getFirst()[0], c.inputs.get(1), new TensorOptions(ScalarType.Long));
    Scalar scale = new Scalar(1 / 127.5);
    Scalar one = new Scalar(1);
    return () -> torch.index_select(table, 0, rows).to(ScalarType.Float).mul_(scale).sub_(one);
  }

  private static Runnable adam(Case c) {
    TensorVector gradients = new TensorVector(c.drawn(0));
    Optimiser adam =
        new Optimiser.Adam(
            Settings.of(new Options(Map.of("variant", "gan"))), Arrays.asList(c.drawn(0)));
    return () -> adam.step(gradients);
  }
}
