package dev.kantor.graph;

import dev.kantor.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Elementwise ops on operands of one shape; {@link Ops} broadcasts first. The codes are those of
 * pointwise.h.
 */
interface Elementwise extends Op {
  int code();

  /** The immediate operand of the instruction. */
  float immediate();

  /** One evaluation's cost in the roofline's arithmetic. */
  int cost();

  @Override
  default long flops(Node node) {
    return cost() * node.output().shape().count();
  }

  enum UnaryKind {
    NEG(6),
    ABS(7),
    SQUARE(8),
    SQRT(9),
    /**
     * x > 0 ? 1/sqrt(x) : 0, which makes the subgradient of a norm at 0 zero with no epsilon in the
     * root.
     */
    SAFE_RSQRT(10),
    RECIPROCAL(11),
    EXP(12),
    LOG(13),
    TANH(14),
    SIGMOID(15),
    SOFTPLUS(16),
    RELU(17),
    LEAKY_RELU(18),
    STEP(19),
    LEAKY_MASK(20),
    SIGN(21),
    MAX_SCALAR(22),
    MIN_SCALAR(23),
    SCALE(4),
    SHIFT(5);

    final int code;

    UnaryKind(int code) {
      this.code = code;
    }
  }

  enum BinaryKind {
    ADD(32),
    SUB(33),
    MUL(34),
    DIV(35),
    MAX(36),
    MIN(37),
    GREATER(38),
    EQUAL(39);

    final int code;

    BinaryKind(int code) {
      this.code = code;
    }
  }

  record Unary(UnaryKind kind, float immediate) implements Elementwise {
    Unary(UnaryKind kind) {
      this(kind, 0f);
    }

    @Override
    public String label() {
      return kind.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public int code() {
      return kind.code;
    }

    @Override
    public int cost() {
      return switch (kind) {
        case EXP, LOG, TANH, SIGMOID, SOFTPLUS -> 16;
        default -> 1;
      };
    }

    /** So cheap that computing it twice costs less than keeping it. */
    boolean isCheap() {
      return switch (kind) {
        case NEG,
            ABS,
            SQUARE,
            RELU,
            LEAKY_RELU,
            STEP,
            LEAKY_MASK,
            SIGN,
            MAX_SCALAR,
            MIN_SCALAR,
            SCALE,
            SHIFT ->
            true;
        default -> false;
      };
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      if (!in.getFirst().dtype().isFloating()) {
        throw Op.mismatch(
            label(), "the operand is %s; expected a floating-point type", in.getFirst().spec());
      }
      return List.of(in.getFirst().spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value g = gs.getFirst();
      Value x = node.inputs.getFirst();
      Value y = node.output();
      Value dx =
          switch (kind) {
            case NEG -> Ops.neg(g);
            case ABS -> Ops.mul(g, Ops.unary(UnaryKind.SIGN, x));
            case SQUARE -> Ops.mul(g, Ops.scale(x, 2));
            case SQRT -> Ops.mul(g, Ops.scale(Ops.unary(UnaryKind.SAFE_RSQRT, x), 0.5));
            case SAFE_RSQRT -> Ops.mul(g, Ops.scale(Ops.mul(Ops.square(y), y), -0.5));
            case RECIPROCAL -> Ops.mul(g, Ops.neg(Ops.square(y)));
            case EXP -> Ops.mul(g, y);
            case LOG -> Ops.div(g, x);
            case TANH -> Ops.mul(g, Ops.shift(Ops.neg(Ops.square(y)), 1));
            case SIGMOID -> Ops.mul(g, Ops.mul(y, Ops.shift(Ops.neg(y), 1)));
            case SOFTPLUS -> Ops.mul(g, Ops.sigmoid(x));
            // The sign of the output is the sign of the input, and the output is kept anyway.
            case RELU -> Ops.mul(g, Ops.unary(UnaryKind.STEP, y));
            case LEAKY_RELU ->
                Ops.mul(g, Ops.unary(UnaryKind.LEAKY_MASK, immediate, immediate > 0 ? y : x));
            case MAX_SCALAR -> Ops.mul(g, Ops.unary(UnaryKind.STEP, Ops.shift(x, -immediate)));
            case MIN_SCALAR ->
                Ops.mul(g, Ops.unary(UnaryKind.STEP, Ops.shift(Ops.neg(x), immediate)));
            case SCALE -> Ops.scale(g, immediate);
            case SHIFT -> g;
            case STEP, LEAKY_MASK, SIGN -> null;
          };
      return Arrays.asList(dx);
    }
  }

  record Binary(BinaryKind kind) implements Elementwise {
    @Override
    public String label() {
      return kind.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public int code() {
      return kind.code;
    }

    @Override
    public float immediate() {
      return 0f;
    }

    @Override
    public int cost() {
      return 1;
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      Value a = in.get(0);
      Value b = in.get(1);
      if (!a.spec().equals(b.spec()) || !a.dtype().isFloating()) {
        throw Op.mismatch(
            label(),
            "operands are %s and %s; expected one floating-point type and shape",
            a.spec(),
            b.spec());
      }
      return List.of(a.spec());
    }

    @Override
    public List<Value> gradient(Node node, List<Value> gs) {
      Value g = gs.getFirst();
      Value a = node.inputs.get(0);
      Value b = node.inputs.get(1);
      return switch (kind) {
        case ADD -> List.of(g, g);
        case SUB -> List.of(g, Ops.neg(g));
        case MUL -> List.of(Ops.mul(g, b), Ops.mul(g, a));
        case DIV -> List.of(Ops.div(g, b), Ops.neg(Ops.div(Ops.mul(g, node.output()), b)));
        case MAX -> chosen(g, Ops.binary(BinaryKind.GREATER, a, b));
        case MIN -> chosen(g, Ops.binary(BinaryKind.GREATER, b, a));
        case GREATER, EQUAL -> Arrays.asList(null, null);
      };
    }

    private static List<Value> chosen(Value g, Value first) {
      return List.of(Ops.mul(g, first), Ops.mul(g, Ops.shift(Ops.neg(first), 1)));
    }
  }

  /** A constant of one value. */
  record Fill(Spec spec, float value) implements Op {
    public Fill {
      if (!spec.dtype().isFloating()) {
        throw new IllegalArgumentException(
            "fill: expected a floating-point type, not " + spec.dtype());
      }
    }

    static Fill like(Value v, double value) {
      return new Fill(v.dtype() == DType.F64 ? v.spec() : Spec.f32(v.shape()), (float) value);
    }

    @Override
    public List<Spec> infer(List<Value> in) {
      return List.of(spec);
    }

    @Override
    public List<Value> gradient(Node node, List<Value> g) {
      return List.of();
    }
  }
}
