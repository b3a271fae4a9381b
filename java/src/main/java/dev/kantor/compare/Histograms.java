package dev.kantor.compare;

import dev.kantor.report.Html;
import dev.kantor.report.SvgBars;
import dev.kantor.train.Evaluated;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** How the samples spread over the classes, and the critic's weights over their range. */
record Histograms(Comparison all) {
  /** More classes than that have no labels. */
  private static final int MOST_LABELS = 25;

  private static final double SMALL = 1e-4;

  String html() {
    return classes() + weights();
  }

  private String classes() {
    StringBuilder cards = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry entry = all.entries().get(i);
      int colour = i;
      Optional<Evaluated> at = entry.sound().stream().findFirst().flatMap(r -> r.at(all.images()));
      at.ifPresent(e -> cards.append(classes(entry, colour, e)));
    }
    return ReportPage.section(
        "classes",
        "Which classes they draw",
        "What the judge takes the samples of the first seed for, at equally many images seen; the"
            + " line is an equal share.",
        Html.element("div", "class=\"grid samples\"", cards.toString()));
  }

  private static String classes(Entry entry, int colour, Evaluated at) {
    long[] counts = at.histogram();
    long total = at.evaluation().get("count").getAsLong();
    double[] shares = Arrays.stream(counts).mapToDouble(c -> (double) c / total).toArray();
    List<String> labels =
        counts.length <= MOST_LABELS
            ? IntStream.range(0, counts.length).mapToObj(Integer::toString).toList()
            : Collections.nCopies(counts.length, "");
    double none = 1 - Arrays.stream(shares).sum();
    return Html.element(
        "figure",
        "class=\"card\"",
        Html.element(
                "figcaption",
                "",
                Html.element("b", "", ReportPage.name(entry))
                    + Html.element(
                        "span",
                        "class=\"muted\"",
                        String.format(Locale.ROOT, "%.1f %% none of them", 100 * none)))
            + new SvgBars(
                    "classes that " + entry.label() + " draws",
                    colour,
                    shares,
                    labels,
                    1.0 / counts.length)
                .svg());
  }

  private String weights() {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry entry = all.entries().get(i);
      Optional<RunResult> run = entry.sound().stream().findFirst();
      if (run.isPresent() && !run.get().layers().isEmpty()) {
        List<String> layers = new ArrayList<>();
        for (LayerWeights l : run.get().layers()) {
          layers.add(layer(entry, i, l));
        }
        rows.append(
            Html.element(
                "div",
                "class=\"card\"",
                Html.element("h3", "", ReportPage.name(entry))
                    + Html.element("div", "class=\"grid layers\"", String.join("", layers))));
      }
    }
    return ReportPage.section(
        "weights",
        "Weights of the critic's layers",
        "At the end, of the first seed. Clipped weights pile up at both ends of what they are"
            + " allowed; with a gradient penalty they keep a bell.",
        Html.element("div", "class=\"grid one\"", rows.toString()));
  }

  private static String layer(Entry entry, int colour, LayerWeights l) {
    double total = l.total();
    List<String> labels = new ArrayList<>(Collections.nCopies(l.counts().length, ""));
    labels.set(0, "−" + Spread.number(l.limit()));
    labels.set(l.counts().length / 2, "0");
    labels.set(l.counts().length - 1, Spread.number(l.limit()));
    return Html.element(
        "figure",
        "",
        Html.element(
                "figcaption",
                "",
                Html.escape(shape(l)) + Html.element("span", "class=\"muted\"", ends(l)))
            + new SvgBars(
                    "weights of layer " + l.layer() + " of the critic of " + entry.label(),
                    colour,
                    Arrays.stream(l.counts()).mapToDouble(c -> c / total).toArray(),
                    labels,
                    Double.NaN)
                .svg());
  }

  private static String ends(LayerWeights l) {
    return percent(l.share())
        + " at the ends, "
        + Spread.number(l.pile())
        + " × as dense as "
        + (l.isPiled() ? "inside: a pile" : "inside");
  }

  private static String percent(double share) {
    return share > 0 && share < SMALL
        ? "&lt; 0.01 %"
        : String.format(Locale.ROOT, share < 0.1 ? "%.2f %%" : "%.0f %%", 100 * share);
  }

  private static String shape(LayerWeights l) {
    long[] s = l.shape();
    return s.length == 4
        ? "conv " + s[1] + " → " + s[0] + ", " + s[2] + "×" + s[3]
        : "linear " + s[1] + " → " + s[0];
  }
}
