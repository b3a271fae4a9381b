package dev.kantor.graph;

import dev.kantor.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Ops with a kernel of their own that could also be written in simpler ops. Where no hand-made
 * derivative applies, the derivative is that of the simpler form, so they too can be differentiated
 * to any order.
 */
interface Composite extends Op {
  /**
   * The same outputs from simpler ops; null for outputs that are not meant to be differentiated.
   */
  List<Value> decompose(Node node);

  static List<Value> gradientOfDecomposition(Composite op, Node node, List<Value> g) {
    List<Value> outputs = op.decompose(node);
    Value[] from = new Value[outputs.size()];
    int n = 0;
    Value[] cotangents = new Value[outputs.size()];
    for (int i = 0; i < outputs.size(); i++) {
      if (g.get(i) == null) {
        continue;
      }
      if (outputs.get(i) == null) {
        throw new IllegalArgumentException(
            op.label() + ": output " + i + " cannot be differentiated");
      }
      from[n] = outputs.get(i);
      cotangents[n++] = g.get(i);
    }
    return Gradients.vjp(
        Arrays.asList(from).subList(0, n), node.inputs, Arrays.asList(cotangents).subList(0, n));
  }

  /**
   * The gradient penalty of rows: outputs its value, its gradient and the norms in one pass
   * (row_penalty.h).
   *
   * @param weight factor of the mean
   * @param center the norm that costs nothing
   * @param oneSided whether only norms above {@code center} cost
   */
  record RowPenalty(float weight, float center, boolean oneSided) implements Composite {
    @Override
    public String label() {
      return "row_penalty";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value g = in.getFirst();
      if (g.shape().rank() != 2 || !g.dtype().isFloating()) {
        throw Op.mismatch(label(), "the gradient is %s; expected [rows, columns]", g.spec());
      }
      return List.of(
          new Spec(g.dtype(), Shape.SCALAR),
          g.spec(),
          new Spec(g.dtype(), Shape.of(g.shape().dim(0))));
    }

    @Override
    public List<Value> decompose(Node node) {
      Value g = node.inputs.getFirst();
      long rows = g.shape().dim(0);
      Value squares = Ops.sumTo(Ops.square(g), Shape.of(rows, 1));
      Value norms = Ops.sqrt(squares);
      Value excess = Ops.shift(norms, -center);
      if (oneSided) {
        excess = Ops.relu(excess);
      }
      Value value = Ops.scale(Ops.mean(Ops.square(excess)), weight);
      Value factor =
          Ops.scale(
              Ops.mul(excess, Ops.unary(Elementwise.UnaryKind.SAFE_RSQRT, squares)),
              2.0 * weight / rows);
      return List.of(value, Ops.mul(g, factor), Ops.reshape(norms, Shape.of(rows)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      if (g.get(1) == null && g.get(2) == null) {
        return List.of(Ops.mul(node.outputs.get(1), g.get(0)));
      }
      return gradientOfDecomposition(this, node, g);
    }

    @Override
    public long flops(Node node) {
      return 4 * node.inputs.getFirst().shape().count();
    }
  }

  /**
   * Layer norm over the rows of x with gamma and beta (layer_norm.h): y, mean, 1 / standard
   * deviation.
   */
  record LayerNorm(float eps) implements Composite {
    @Override
    public String label() {
      return "layer_norm";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      Shape columns = x.shape().rank() == 2 ? Shape.of(x.shape().dim(1)) : null;
      if (columns == null
          || !in.get(1).shape().equals(columns)
          || !in.get(2).shape().equals(columns)) {
        throw Op.mismatch(
            label(),
            "x is %s, gamma %s, beta %s; expected [rows, columns], [columns], [columns]",
            x.spec(),
            in.get(1).spec(),
            in.get(2).spec());
      }
      Spec rows = new Spec(x.dtype(), Shape.of(x.shape().dim(0)));
      return List.of(x.spec(), rows, rows);
    }

    @Override
    public List<Value> decompose(Node node) {
      Normalised n = Normalised.byRow(node.inputs.getFirst(), eps);
      Value y = Ops.add(Ops.mul(n.xhat(), node.inputs.get(1)), node.inputs.get(2));
      return Arrays.asList(y, null, null);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      if (g.get(0) == null || g.get(1) != null || g.get(2) != null) {
        throw new IllegalArgumentException(
            "layer_norm: only its first output can be differentiated");
      }
      Node backward =
          Ops.node(
              new LayerNormGrad(eps),
              g.get(0),
              node.inputs.get(0),
              node.inputs.get(1),
              node.outputs.get(1),
              node.outputs.get(2));
      return backward.outputs;
    }

    @Override
    public long flops(Node node) {
      return 8 * node.inputs.getFirst().shape().count();
    }
  }

  /**
   * The gradient of {@link LayerNorm}: dx, dgamma, dbeta from dy, x, gamma, mean, rstd
   * (layer_norm_grad.h).
   */
  record LayerNormGrad(float eps) implements Composite {
    @Override
    public String label() {
      return "layer_norm_grad";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(in.get(1).spec(), in.get(2).spec(), in.get(2).spec());
    }

    @Override
    public List<Value> decompose(Node node) {
      Value dy = node.inputs.get(0);
      Normalised n = Normalised.byRow(node.inputs.get(1), eps);
      Value gamma = node.inputs.get(2);
      Value h = Ops.mul(dy, gamma);
      Shape perRow = Shape.of(dy.shape().dim(0), 1);
      double inverse = 1.0 / dy.shape().dim(1);
      Value meanH = Ops.scale(Ops.sumTo(h, perRow), inverse);
      Value meanHx = Ops.scale(Ops.sumTo(Ops.mul(h, n.xhat()), perRow), inverse);
      Value dx = Ops.mul(n.rstd(), Ops.sub(Ops.sub(h, meanH), Ops.mul(n.xhat(), meanHx)));
      return List.of(
          dx, Ops.sumTo(Ops.mul(dy, n.xhat()), gamma.shape()), Ops.sumTo(dy, gamma.shape()));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      // The mean and rstd inputs are functions of x: the decomposition computes them from x, so
      // nothing flows to them.
      return gradientOfDecomposition(this, node, g);
    }

    @Override
    public long flops(Node node) {
      return 12 * node.inputs.getFirst().shape().count();
    }
  }

  /** [C] of x [N, C, H, W] or [N, C] with gamma and beta [C]. */
  static Spec perChannel(String label, List<Value> in) {
    Value x = in.getFirst();
    int rank = x.shape().rank();
    Shape channels = rank == 4 || rank == 2 ? Shape.of(x.shape().dim(1)) : null;
    if (channels == null
        || !in.get(1).shape().equals(channels)
        || !in.get(2).shape().equals(channels)) {
      throw Op.mismatch(
          label,
          "x is %s, gamma %s, beta %s; expected [N, C, H, W] or [N, C], [C], [C]",
          x.spec(),
          in.get(1).spec(),
          in.get(2).spec());
    }
    return new Spec(x.dtype(), channels);
  }

  /**
   * Batch norm in training over x [N, C, H, W] or [N, C] with gamma and beta [C] (batch_norm.h): y,
   * mean, 1 / standard deviation, biased variance.
   */
  record BatchNorm(float eps) implements Composite {
    @Override
    public String label() {
      return "batch_norm";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Spec perChannel = perChannel(label(), in);
      return List.of(in.getFirst().spec(), perChannel, perChannel, perChannel);
    }

    @Override
    public List<Value> decompose(Node node) {
      Normalised n = Normalised.byChannel(node.inputs.getFirst(), eps);
      Shape c = n.shape();
      Value y =
          Ops.add(
              Ops.mul(n.xhat(), Ops.reshape(node.inputs.get(1), c)),
              Ops.reshape(node.inputs.get(2), c));
      Shape flat = node.inputs.get(1).shape();
      return Arrays.asList(
          y,
          Ops.reshape(n.mean(), flat),
          Ops.reshape(n.rstd(), flat),
          Ops.reshape(n.variance(), flat));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      if (g.get(0) == null || g.get(1) != null || g.get(2) != null || g.get(3) != null) {
        return gradientOfDecomposition(this, node, g);
      }
      return Ops.node(
              new BatchNormGrad(eps),
              g.get(0),
              node.inputs.get(0),
              node.inputs.get(1),
              node.outputs.get(1),
              node.outputs.get(2))
          .outputs;
    }

    @Override
    public long flops(Node node) {
      return 8 * node.inputs.getFirst().shape().count();
    }
  }

  /**
   * The gradient of {@link BatchNorm}: dx, dgamma, dbeta from dy, x, gamma, mean, rstd
   * (batch_norm_grad.h).
   */
  record BatchNormGrad(float eps) implements Composite {
    @Override
    public String label() {
      return "batch_norm_grad";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(in.get(1).spec(), in.get(2).spec(), in.get(2).spec());
    }

    @Override
    public List<Value> decompose(Node node) {
      Value dy = node.inputs.get(0);
      Normalised n = Normalised.byChannel(node.inputs.get(1), eps);
      Value gamma = Ops.reshape(node.inputs.get(2), n.shape());
      double inverse = (double) gamma.shape().count() / dy.shape().count();
      Value dbeta = Ops.sumTo(dy, n.shape());
      Value dgamma = Ops.sumTo(Ops.mul(dy, n.xhat()), n.shape());
      Value centred =
          Ops.sub(
              Ops.sub(dy, Ops.scale(dbeta, inverse)),
              Ops.mul(n.xhat(), Ops.scale(dgamma, inverse)));
      Value dx = Ops.mul(Ops.mul(gamma, n.rstd()), centred);
      Shape flat = node.inputs.get(2).shape();
      return List.of(dx, Ops.reshape(dgamma, flat), Ops.reshape(dbeta, flat));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      // As in layer norm's gradient, mean and rstd are functions of x.
      return gradientOfDecomposition(this, node, g);
    }

    @Override
    public long flops(Node node) {
      return 12 * node.inputs.getFirst().shape().count();
    }
  }

  /**
   * x centred and scaled over the elements that share a mean, all parts differentiable.
   *
   * @param shape of the mean and the others, which broadcasts to x's
   */
  record Normalised(Value xhat, Value rstd, Value mean, Value variance, Shape shape) {
    static Normalised byRow(Value x, float eps) {
      return of(x, Shape.of(x.shape().dim(0), 1), eps);
    }

    static Normalised byChannel(Value x, float eps) {
      long c = x.shape().dim(1);
      return of(x, x.shape().rank() == 4 ? Shape.of(1, c, 1, 1) : Shape.of(1, c), eps);
    }

    private static Normalised of(Value x, Shape shape, float eps) {
      double inverse = (double) shape.count() / x.shape().count();
      Value mean = Ops.scale(Ops.sumTo(x, shape), inverse);
      Value centred = Ops.sub(x, mean);
      Value variance = Ops.scale(Ops.sumTo(Ops.square(centred), shape), inverse);
      Value rstd = Ops.unary(Elementwise.UnaryKind.SAFE_RSQRT, Ops.shift(variance, eps));
      return new Normalised(Ops.mul(centred, rstd), rstd, mean, variance, shape);
    }
  }

  /**
   * log sum exp over the columns of [rows, columns], as [rows, 1] (log_sum_exp.h); its gradient is
   * the softmax.
   */
  record LogSumExp() implements Op {
    @Override
    public String label() {
      return "log_sum_exp";
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value x = in.getFirst();
      if (x.shape().rank() != 2 || !x.dtype().isFloating()) {
        throw Op.mismatch(label(), "the operand is %s; expected [rows, columns]", x.spec());
      }
      return List.of(new Spec(x.dtype(), Shape.of(x.shape().dim(0), 1)));
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of(
          Ops.mul(g.getFirst(), Ops.exp(Ops.sub(node.inputs.getFirst(), node.output()))));
    }

    @Override
    public long flops(Node node) {
      return 17 * node.inputs.getFirst().shape().count();
    }
  }
}
