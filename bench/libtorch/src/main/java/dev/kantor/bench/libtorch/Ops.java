package dev.kantor.bench.libtorch;

import static java.util.Map.entry;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * The ops whose values and derivatives can be asked for, by name. Attributes have the framework's
 * defaults; a pair may be given as one number. Losses and penalties are scalars (shape []).
 *
 * <ul>
 *   <li>one input: {@code relu tanh sigmoid silu exp log sqrt abs neg square reciprocal}; {@code
 *       softplus} (beta 1, threshold 20); {@code leaky_relu} (slope 0.2); {@code sum}, {@code mean}
 *       (dims, default all; keepdim false); {@code softmax}, {@code log_softmax} (dim -1)
 *   <li>two inputs, broadcast: {@code add sub mul div}
 *   <li>{@code matmul} (transpose_a, transpose_b: false): a, b
 *   <li>{@code linear} (activation none|relu|leaky_relu|tanh|sigmoid|softplus|silu, slope 0.2): x,
 *       weight [out, in], bias or none
 *   <li>{@code layer_norm} (dims 1: how many trailing ones, eps 1e-5): x, weight and bias or
 *       neither
 *   <li>{@code batch_norm} (training true, momentum 0.1, eps 1e-5): x, weight, bias, and running
 *       mean and variance or neither; with them, their new values are further outputs. {@code
 *       instance_norm} (eps 1e-5): x, weight and bias or neither
 *   <li>{@code conv2d} (stride 1, padding 0, dilation 1, groups 1): x, weight, bias or none; {@code
 *       conv_transpose2d} as well, and output_padding 0
 *   <li>{@code max_pool2d}, {@code avg_pool2d} (kernel, stride = kernel, padding 0;
 *       count_include_pad true); {@code upsample_nearest2d} (factor 2)
 *   <li>{@code bce_with_logits}, {@code bce} (reduction mean|sum|none): scores or probabilities,
 *       target; {@code cross_entropy} (reduction): logits [B, C], classes [B] (I64) or
 *       probabilities [B, C]
 *   <li>{@code norm_penalty} (center 1, one_sided false): mean_i (||x_i|| - center)^2 over the rows
 *       of x, the trailing dimensions flattened; one-sided, max(0, ||x_i|| - center)^2. The norm's
 *       derivative at zero is zero
 *   <li>{@code hinge_critic}: mean max(0, 1 - real) + mean max(0, 1 + fake); {@code
 *       hinge_generator}: -mean fake; {@code least_squares_critic}: (mean (real - 1)^2 + mean
 *       fake^2) / 2; {@code least_squares_generator}: mean (fake - 1)^2 / 2
 * </ul>
 */
final class Ops {

  /** Maps inputs and attributes to outputs. */
  private interface Op extends Function<Call, List<Tensor>> {}

  private static final Scalar ONE = new Scalar(1);
  private static final Map<String, Long> REDUCTIONS = Map.of("none", 0L, "mean", 1L, "sum", 2L);

  private static final Map<String, Op> OPS =
      Map.ofEntries(
          entry("relu", one(torch::relu)),
          entry("tanh", one(torch::tanh)),
          entry("sigmoid", one(torch::sigmoid)),
          entry("silu", one(torch::silu)),
          entry("exp", one(torch::exp)),
          entry("log", one(torch::log)),
          entry("sqrt", one(torch::sqrt)),
          entry("abs", one(torch::abs)),
          entry("neg", one(torch::neg)),
          entry("square", one(torch::square)),
          entry("reciprocal", one(torch::reciprocal)),
          entry(
              "softplus",
              value(c -> torch.softplus(c.in(0), c.scalar("beta", 1), c.scalar("threshold", 20)))),
          entry(
              "leaky_relu",
              value(c -> torch.leaky_relu(c.in(0), c.scalar("slope", Settings.SLOPE)))),
          entry("sum", value(Ops::sum)),
          entry("mean", value(Ops::mean)),
          entry("softmax", value(c -> torch.softmax(c.in(0), c.integer("dim", -1)))),
          entry("log_softmax", value(c -> torch.log_softmax(c.in(0), c.integer("dim", -1)))),
          entry("add", value(c -> c.in(0).add(c.in(1)))),
          entry("sub", value(c -> c.in(0).sub(c.in(1)))),
          entry("mul", value(c -> c.in(0).mul(c.in(1)))),
          entry("div", value(c -> c.in(0).div(c.in(1)))),
          entry("matmul", value(Ops::matmul)),
          entry("linear", value(Ops::linear)),
          entry("layer_norm", value(Ops::layerNorm)),
          entry("batch_norm", Ops::batchNorm),
          entry("instance_norm", value(Ops::instanceNorm)),
          entry("conv2d", value(Ops::conv)),
          entry("conv_transpose2d", value(Ops::convTranspose)),
          entry("max_pool2d", value(Ops::maxPool)),
          entry("avg_pool2d", value(Ops::averagePool)),
          entry("upsample_nearest2d", value(Ops::upsampleNearest)),
          entry("bce_with_logits", value(Ops::bceWithLogits)),
          entry("bce", value(Ops::bce)),
          entry("cross_entropy", value(Ops::crossEntropy)),
          entry("norm_penalty", value(Ops::normPenalty)),
          entry("hinge_critic", value(c -> hinge(c.in(0).neg()).add(hinge(c.in(1))))),
          entry("hinge_generator", value(c -> c.in(0).mean().neg())),
          entry(
              "least_squares_critic",
              value(c -> distance(c.in(0), ONE).add(distance(c.in(1), new Scalar(0))))),
          entry("least_squares_generator", value(c -> distance(c.in(0), ONE))));

  private Ops() {}

  /**
   * The outputs of an op.
   *
   * @throws IllegalArgumentException if there is no such op, or the attributes or inputs do not
   *     suit it
   */
  static List<Tensor> evaluate(String op, JsonObject attributes, List<Tensor> inputs) {
    Op function = OPS.get(op);
    if (function == null) {
      throw new IllegalArgumentException(
          "unknown op " + op + "; known: " + new TreeSet<>(OPS.keySet()));
    }
    return function.apply(new Call(attributes, inputs));
  }

  private record Call(JsonObject attributes, List<Tensor> inputs) {

    Tensor in(int index) {
      if (index >= inputs.size()) {
        throw new IllegalArgumentException("input " + index + " is missing");
      }
      return inputs.get(index);
    }

    TensorOptional optional(int index) {
      return index < inputs.size() ? new TensorOptional(inputs.get(index)) : new TensorOptional();
    }

    double number(String name, double otherwise) {
      JsonElement value = attributes.get(name);
      return value == null ? otherwise : value.getAsDouble();
    }

    Scalar scalar(String name, double otherwise) {
      return new Scalar(number(name, otherwise));
    }

    long integer(String name, long otherwise) {
      JsonElement value = attributes.get(name);
      return value == null ? otherwise : value.getAsLong();
    }

    boolean flag(String name, boolean otherwise) {
      JsonElement value = attributes.get(name);
      return value == null ? otherwise : value.getAsBoolean();
    }

    String text(String name, String otherwise) {
      JsonElement value = attributes.get(name);
      return value == null ? otherwise : value.getAsString();
    }

    /** A list of whole numbers; null where it is missing. */
    long[] list(String name) {
      JsonElement value = attributes.get(name);
      return value == null
          ? null
          : value.getAsJsonArray().asList().stream().mapToLong(JsonElement::getAsLong).toArray();
    }

    /** Two whole numbers, given as such or as one for both. */
    long[] pair(String name, long... otherwise) {
      JsonElement value = attributes.get(name);
      if (value == null) {
        return otherwise;
      }
      return value.isJsonArray() ? list(name) : new long[] {value.getAsLong(), value.getAsLong()};
    }

    long[] kernel() {
      long[] kernel = pair("kernel");
      if (kernel.length != 2) {
        throw new IllegalArgumentException(
            "attribute kernel is missing, or not one or two numbers");
      }
      return kernel;
    }

    long reduction() {
      String name = text("reduction", "mean");
      Long reduction = REDUCTIONS.get(name);
      if (reduction == null) {
        throw new IllegalArgumentException("reduction must be mean, sum or none: " + name);
      }
      return reduction;
    }
  }

  private static Op one(Function<Tensor, Tensor> function) {
    return call -> List.of(function.apply(call.in(0)));
  }

  private static Op value(Function<Call, Tensor> function) {
    return call -> List.of(function.apply(call));
  }

  private static long[] dims(Call call) {
    long[] dims = call.list("dims");
    return dims != null ? dims : LongStream.range(0, call.in(0).dim()).toArray();
  }

  private static Tensor sum(Call call) {
    return torch.sum(call.in(0), dims(call), call.flag("keepdim", false), new ScalarTypeOptional());
  }

  private static Tensor mean(Call call) {
    return call.in(0).mean(dims(call), call.flag("keepdim", false), new ScalarTypeOptional());
  }

  private static Tensor matmul(Call call) {
    Tensor a = call.in(0);
    Tensor b = call.in(1);
    return torch.matmul(
        call.flag("transpose_a", false) ? a.transpose(-2, -1) : a,
        call.flag("transpose_b", false) ? b.transpose(-2, -1) : b);
  }

  private static Tensor linear(Call call) {
    Tensor y = torch.linear(call.in(0), call.in(1), call.optional(2));
    String activation = call.text("activation", "none");
    return switch (activation) {
      case "none" -> y;
      case "relu", "leaky_relu", "tanh", "sigmoid", "softplus", "silu" ->
          evaluate(activation, call.attributes, List.of(y)).getFirst();
      default -> throw new IllegalArgumentException("linear has no activation " + activation);
    };
  }

  private static Tensor layerNorm(Call call) {
    long[] shape = call.in(0).shape();
    int count = Math.toIntExact(call.integer("dims", 1));
    if (count < 1 || count > shape.length) {
      throw new IllegalArgumentException(
          "layer_norm: dims is " + count + ", the input has " + shape.length);
    }
    long[] trailing = Arrays.copyOfRange(shape, shape.length - count, shape.length);
    return torch.layer_norm(
        call.in(0), trailing, call.optional(1), call.optional(2), call.number("eps", 1e-5), false);
  }

  private static List<Tensor> batchNorm(Call call) {
    boolean running = call.inputs.size() > 3;
    // The statistics are updated in place, and the caller's inputs must stay what they are.
    Tensor mean = running ? call.in(3).detach().clone() : null;
    Tensor variance = running ? call.in(4).detach().clone() : null;
    Tensor y =
        torch.batch_norm(
            call.in(0),
            call.optional(1),
            call.optional(2),
            running ? new TensorOptional(mean) : new TensorOptional(),
            running ? new TensorOptional(variance) : new TensorOptional(),
            call.flag("training", true),
            call.number("momentum", 0.1),
            call.number("eps", 1e-5),
            false);
    return running ? List.of(y, mean, variance) : List.of(y);
  }

  private static Tensor instanceNorm(Call call) {
    TensorOptional none = new TensorOptional();
    return torch.instance_norm(
        call.in(0),
        call.optional(1),
        call.optional(2),
        none,
        none,
        true,
        0.1,
        call.number("eps", 1e-5),
        false);
  }

  private static Tensor conv(Call call) {
    return torch.conv2d(
        call.in(0),
        call.in(1),
        call.optional(2),
        call.pair("stride", 1, 1),
        call.pair("padding", 0, 0),
        call.pair("dilation", 1, 1),
        call.integer("groups", 1));
  }

  private static Tensor convTranspose(Call call) {
    return torch.conv_transpose2d(
        call.in(0),
        call.in(1),
        call.optional(2),
        call.pair("stride", 1, 1),
        call.pair("padding", 0, 0),
        call.pair("output_padding", 0, 0),
        call.integer("groups", 1),
        call.pair("dilation", 1, 1));
  }

  private static Tensor maxPool(Call call) {
    long[] kernel = call.kernel();
    return torch.max_pool2d(
        call.in(0),
        kernel,
        call.pair("stride", kernel),
        call.pair("padding", 0, 0),
        new long[] {1, 1},
        false);
  }

  private static Tensor averagePool(Call call) {
    long[] kernel = call.kernel();
    return torch.avg_pool2d(
        call.in(0),
        kernel,
        call.pair("stride", kernel),
        call.pair("padding", 0, 0),
        false,
        call.flag("count_include_pad", true),
        new LongOptional());
  }

  private static Tensor upsampleNearest(Call call) {
    long[] factor = call.pair("factor", 2, 2);
    long[] shape = call.in(0).shape();
    return torch.upsample_nearest2d(call.in(0), shape[2] * factor[0], shape[3] * factor[1]);
  }

  private static Tensor bceWithLogits(Call call) {
    TensorOptional none = new TensorOptional();
    return torch.binary_cross_entropy_with_logits(
        call.in(0), call.in(1), none, none, call.reduction());
  }

  private static Tensor bce(Call call) {
    return torch.binary_cross_entropy(
        call.in(0), call.in(1), new TensorOptional(), call.reduction());
  }

  private static Tensor crossEntropy(Call call) {
    return torch.cross_entropy_loss(
        call.in(0), call.in(1), new TensorOptional(), call.reduction(), -100, 0);
  }

  private static Tensor normPenalty(Call call) {
    Tensor rows = call.in(0).flatten(1, -1);
    Tensor excess = rows.norm(new ScalarOptional(new Scalar(2)), 1).sub(call.scalar("center", 1));
    return (call.flag("one_sided", false) ? torch.relu(excess) : excess).square().mean();
  }

  private static Tensor hinge(Tensor x) {
    return torch.relu(x.add(ONE)).mean();
  }

  private static Tensor distance(Tensor x, Scalar target) {
    return x.sub(target).square().mean().mul(new Scalar(0.5));
  }
}
