package dev.kantor.examples;

import dev.kantor.graph.Gradients;
import dev.kantor.graph.Losses;
import dev.kantor.graph.Ops;
import dev.kantor.graph.Value;
import java.io.PrintStream;
import java.util.List;

/**
 * Differentiation outside a trace: first, through an intermediate, to third order, and through a
 * gradient penalty.
 */
public final class Derivatives {
  private Derivatives() {}

  public static void main(String[] args) {
    run(System.out);
  }

  /** Prints each derivative. */
  public static void run(PrintStream out) {
    Value x = Ops.scalar(3).requireGradient();
    out.printf("y = 2x: dy/dx = %.0f%n", Gradients.grad(x.scale(2), x).item());

    Value doubled = x.scale(2);
    out.printf("y = 3(2x): dy/dx = %.0f%n", Gradients.grad(doubled.scale(3), x).item());

    Value cube = x.mul(x).mul(x);
    Value first = derivative(cube, x);
    Value second = derivative(first, x);
    Value third = derivative(second, x);
    out.printf(
        "x^3 at 3: %.0f, derivatives %.0f, %.0f, %.0f%n",
        cube.item(), first.item(), second.item(), third.item());

    // The gradient penalty of a critic D(x) = tanh(x w): its value, and its gradient with respect
    // to the weights w.
    Value samples = Ops.tensor(new float[] {0.5f, -1, 2, 0.25f, 1, -0.5f}, 3, 2).requireGradient();
    Value weights = Ops.tensor(new float[] {1, -2}, 2, 1).requireGradient();
    Value scores = Ops.tanh(samples.matmul(weights));
    Value inputGradient =
        Gradients.grad(List.of(scores.sum()), List.of(samples), null, true, true).getFirst();
    Value penalty = Losses.rowPenalty(inputGradient, 10, 1, false).value();
    float[] gradient = Gradients.grad(penalty, weights).toFloats();
    out.printf(
        "gradient penalty %.4f, its gradient [%.4f, %.4f]%n",
        penalty.item(), gradient[0], gradient[1]);
  }

  private static Value derivative(Value y, Value x) {
    return Gradients.grad(List.of(y), List.of(x), null, true, true).getFirst();
  }
}
