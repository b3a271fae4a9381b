package dev.kantor.bench.libtorch;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonSyntaxException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Values and derivatives of {@link Ops}, case by case.
 *
 * <p>{@code --in} has the tensors, and in its metadata {@code cases}, a JSON array of objects:
 *
 * <pre>{@code
 * {"name": "matmul-3x5x7", "op": "matmul", "attributes": {"transpose_b": true},
 *  "inputs": ["a", "b"], "v": ["v"], "u": ["ua", null]}
 * }</pre>
 *
 * <p>v has a cotangent for each output that is differentiated (fewer, or null: that output is not);
 * u has a direction for each input's gradient (likewise). Inputs of integers are not
 * differentiated, nor are those whose index is in {@code "constants"}. Floating-point tensors are
 * converted to {@code --dtype} (float64) first.
 *
 * <p>{@code --out} gets for each case, where they exist and the derivative depends on it:
 *
 * <ul>
 *   <li>{@code NAME.out.J}: output J
 *   <li>{@code NAME.grad.I}: the gradient of sum_J &lt;out_J, v_J&gt; with respect to input I
 *   <li>{@code NAME.second.I}, {@code NAME.second.v.J}: the gradients of sum_I &lt;grad_I, u_I&gt;
 *       with respect to input I and to v_J
 * </ul>
 */
final class OpsCommand {

  /** One case of the file's metadata; a missing list is an empty one. */
  private record Case(
      String name,
      String op,
      JsonObject attributes,
      List<String> inputs,
      List<String> v,
      List<String> u,
      List<Integer> constants) {
    Case {
      if (name == null || op == null || inputs == null) {
        throw new IllegalArgumentException(
            "a case needs name, op and inputs: " + name + ", " + op + ", " + inputs);
      }
      attributes = attributes == null ? new JsonObject() : attributes;
      v = v == null ? List.of() : v;
      u = u == null ? List.of() : u;
      constants = constants == null ? List.of() : constants;
    }
  }

  private OpsCommand() {}

  static Map<String, Object> run(Options options) throws IOException {
    TensorFile in = TensorFile.read(options.path("in"));
    TensorFile out = run(Main.type(options, "float64"), in);
    out.write(options.path("out"));
    return Map.of("cases", cases(in).length, "tensors", out.tensors().size());
  }

  static TensorFile run(ScalarType type, TensorFile in) {
    Map<String, Tensor> results = new LinkedHashMap<>();
    for (Case item : cases(in)) {
      try {
        evaluate(item, type, in, results);
      } catch (RuntimeException e) {
        throw new IllegalArgumentException("case " + item.name + ": " + e.getMessage(), e);
      }
    }
    return new TensorFile(results, Map.of());
  }

  private static Case[] cases(TensorFile in) {
    String json = in.metadata().get("cases");
    if (json == null) {
      throw new IllegalArgumentException("the metadata have no \"cases\"");
    }
    try {
      return new Gson().fromJson(json, Case[].class);
    } catch (JsonSyntaxException e) {
      throw new IllegalArgumentException("\"cases\" in the metadata: " + e.getMessage(), e);
    }
  }

  private static void evaluate(
      Case item, ScalarType type, TensorFile in, Map<String, Tensor> results) {
    List<Tensor> inputs = new ArrayList<>();
    Map<String, Tensor> variables =
        new LinkedHashMap<>(); // what is differentiated by, by the end of its result's name
    for (int i = 0; i < item.inputs.size(); i++) {
      Tensor input = in.get(item.inputs.get(i));
      if (input.is_floating_point()) {
        input = leaf(input, type, !item.constants.contains(i));
        if (input.requires_grad()) {
          variables.put(String.valueOf(i), input);
        }
      }
      inputs.add(input);
    }
    List<Tensor> outputs = Ops.evaluate(item.op, item.attributes, inputs);
    for (int j = 0; j < outputs.size(); j++) {
      results.put(item.name + ".out." + j, outputs.get(j).detach());
    }
    if (item.v.isEmpty()) {
      return;
    }
    List<Tensor> cotangents = leaves(item.v, type, in, true);
    Map<String, Tensor> gradients = gradients(paired("v", outputs, cotangents), variables);
    gradients.forEach(
        (end, gradient) -> results.put(item.name + ".grad." + end, gradient.detach()));
    if (item.u.isEmpty()) {
      return;
    }
    List<Tensor> ordered =
        IntStream.range(0, inputs.size()).mapToObj(i -> gradients.get(String.valueOf(i))).toList();
    List<Tensor> directions = leaves(item.u, type, in, false);
    for (int j = 0; j < cotangents.size(); j++) {
      if (cotangents.get(j) != null) {
        variables.put("v." + j, cotangents.get(j));
      }
    }
    gradients(paired("u", ordered, directions), variables)
        .forEach((end, gradient) -> results.put(item.name + ".second." + end, gradient.detach()));
  }

  private static List<Tensor> leaves(
      List<String> names, ScalarType type, TensorFile in, boolean differentiated) {
    return names.stream()
        .map(name -> name == null ? null : leaf(in.get(name), type, differentiated))
        .toList();
  }

  private static Tensor leaf(Tensor tensor, ScalarType type, boolean differentiated) {
    Tensor leaf = tensor.to(type).detach().clone();
    leaf.set_requires_grad(differentiated);
    return leaf;
  }

  /** The sum of <value, direction> over the pairs of which neither is null. */
  private static Tensor paired(String what, List<Tensor> values, List<Tensor> directions) {
    if (directions.size() > values.size()) {
      throw new IllegalArgumentException(
          what + " has " + directions.size() + " tensors for " + values.size());
    }
    Tensor sum = null;
    for (int i = 0; i < directions.size(); i++) {
      Tensor value = values.get(i);
      Tensor direction = directions.get(i);
      if (value == null || direction == null) {
        continue;
      }
      if (!Arrays.equals(value.shape(), direction.shape())) {
        throw new IllegalArgumentException(
            String.format(
                "%s %d is %s; expected %s",
                what, i, Arrays.toString(direction.shape()), Arrays.toString(value.shape())));
      }
      Tensor product = value.mul(direction).sum();
      sum = sum == null ? product : sum.add(product);
    }
    return sum;
  }

  /**
   * The gradients of a scalar, which can be differentiated again; without those that do not exist.
   */
  private static Map<String, Tensor> gradients(Tensor scalar, Map<String, Tensor> variables) {
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    if (scalar == null || !scalar.requires_grad() || variables.isEmpty()) {
      return gradients;
    }
    TensorVector inputs = new TensorVector(variables.values().toArray(Tensor[]::new));
    TensorVector found =
        torch.grad(
            new TensorVector(scalar),
            inputs,
            new TensorVector(),
            new BoolOptional(true),
            true,
            true);
    int index = 0;
    for (String end : variables.keySet()) {
      Tensor gradient = found.get(index++);
      if (gradient.defined()) {
        gradients.put(end, gradient);
      }
    }
    return gradients;
  }
}
