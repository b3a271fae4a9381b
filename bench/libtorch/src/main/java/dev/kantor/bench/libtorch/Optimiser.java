package dev.kantor.bench.libtorch;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorList;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The framework's own multi-tensor optimiser kernels, called through its dispatcher because the
 * preset has no method for them. Steps must run with gradient recording off.
 */
abstract sealed class Optimiser {
  final IValue parameters;
  private final List<Tensor> values;

  private Optimiser(List<Tensor> values) {
    this.values = values;
    this.parameters = list(values);
  }

  /** The optimiser that the variant trains with by default. */
  static Optimiser of(Settings settings, Network... networks) {
    List<Tensor> values =
        Arrays.stream(networks).flatMap(n -> n.parameters().values().stream()).toList();
    return settings.variant().objective == Variant.Objective.CLIPPED
        ? new RmsProp(settings, values)
        : new Adam(settings, values);
  }

  /** One update of the parameters by their gradients, in the same order. */
  abstract void step(TensorVector gradients);

  /** State beside the parameters, one tensor each, zeroed. */
  IValue zeros() {
    return list(values.stream().map(torch::zeros_like).toList());
  }

  /**
   * Adam (Kingma and Ba 2015) in one pass over each parameter: {@code _fused_adam_}, which takes
   * gradients to lie in memory as the parameters do. Those of a convolution's weight that come from
   * its second derivatives may not.
   */
  static final class Adam extends Optimiser {
    private final OperatorHandle fused = operator("aten::_fused_adam_", "");
    private final Tensor count = torch.zeros(new long[] {}, new TensorOptions(ScalarType.Float));
    private final Scalar one = new Scalar(1);
    private final IValue means = zeros();
    private final IValue squares = zeros();
    private final IValue none = list(List.of());
    private final IValue counts;
    private final IValue[] constants;

    Adam(Settings settings, List<Tensor> values) {
      super(values);
      counts = list(values.stream().map(value -> count).toList());
      constants =
          new IValue[] {
            new IValue(settings.learningRate()),
            new IValue(settings.beta1()),
            new IValue(settings.beta2()),
            new IValue(0.0), // weight decay
            new IValue(Settings.EPSILON),
            new IValue(false), // amsgrad
            new IValue(false), // maximise
            new IValue(), // gradient scale
            new IValue() // infinity found
          };
    }

    @Override
    void step(TensorVector gradients) {
      count.add_(one);
      IValueVector stack =
          new IValueVector(parameters, list(contiguous(gradients)), means, squares, none, counts);
      for (IValue constant : constants) {
        stack.push_back(constant);
      }
      fused.callBoxed(stack);
    }
  }

  /**
   * RMSprop without momentum (Tieleman and Hinton 2012), epsilon outside the root, in multi-tensor
   * calls.
   */
  static final class RmsProp extends Optimiser {
    private final OperatorHandle scale = operator("aten::_foreach_mul_", "Scalar");
    private final OperatorHandle addProduct = operator("aten::_foreach_addcmul_", "Scalar");
    private final OperatorHandle root = operator("aten::_foreach_sqrt", "");
    private final OperatorHandle add = operator("aten::_foreach_add_", "Scalar");
    private final OperatorHandle addQuotient = operator("aten::_foreach_addcdiv_", "Scalar");
    private final IValue squares = zeros();
    private final IValue alpha = new IValue(Settings.RMSPROP_ALPHA);
    private final IValue rest = new IValue(1 - Settings.RMSPROP_ALPHA);
    private final IValue epsilon = new IValue(Settings.EPSILON);
    private final IValue descent;

    private RmsProp(Settings settings, List<Tensor> values) {
      super(values);
      descent = new IValue(-settings.learningRate());
    }

    @Override
    void step(TensorVector gradients) {
      IValue slopes = list(gradients);
      scale.callBoxed(new IValueVector(squares, alpha));
      addProduct.callBoxed(new IValueVector(squares, slopes, slopes, rest));
      IValueVector stack = new IValueVector(squares);
      root.callBoxed(stack);
      IValue deviations = stack.get(0);
      add.callBoxed(new IValueVector(deviations, epsilon));
      addQuotient.callBoxed(new IValueVector(parameters, slopes, deviations, descent));
    }
  }

  private static TensorVector contiguous(TensorVector tensors) {
    Tensor[] all = new Tensor[Math.toIntExact(tensors.size())];
    Arrays.setAll(all, i -> tensors.get(i).contiguous());
    return new TensorVector(all);
  }

  private static OperatorHandle operator(String name, String overload) {
    return Dispatcher.singleton().findSchemaOrThrow(name, overload);
  }

  private static IValue list(List<Tensor> tensors) {
    return list(new TensorVector(tensors.toArray(Tensor[]::new)));
  }

  private static IValue list(TensorVector tensors) {
    GenericList list = new GenericList(new TensorList().elementType());
    for (long i = 0; i < tensors.size(); i++) {
      list.push_back(new IValue(tensors.get(i)));
    }
    return new IValue(list);
  }
}
