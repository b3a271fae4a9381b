package dev.kantor.compare;

import dev.kantor.report.Html;
import dev.kantor.report.SvgPlot;
import dev.kantor.report.SvgPlot.Scale;
import java.util.ArrayList;
import java.util.List;

/** Curves over the images seen: of the evaluations, the gradients, the distance and the losses. */
record Charts(Comparison all) {
  private static final List<String> NOT_DRAWN =
      List.of("density", "confidence", "kl-from-uniform", "nearest-training-image");

  String html() {
    return quality() + training() + losses();
  }

  private String quality() {
    List<String> charts = new ArrayList<>();
    for (Criterion c : all.criteria()) {
      if (!NOT_DRAWN.contains(c.name())) {
        Scale scale = c.name().equals(all.ranking()) ? Scale.LOGARITHMIC : Scale.FROM_ZERO;
        List<SvgPlot.Line> lines = new ArrayList<>();
        for (int i = 0; i < all.entries().size(); i++) {
          Entry e = all.entries().get(i);
          lines.add(line(e.label(), i, false, Curve.ofMeasure(e, c.name())));
        }
        charts.add(chart(c.title(), c.meaning(), new SvgPlot(c.title(), scale, true, lines)));
      }
    }
    return ReportPage.section(
        "curves",
        "How they learn",
        "Over the images seen. A line is the mean over the seeds, the band spans them.",
        legend() + Html.element("div", "class=\"grid three\"", String.join("", charts)));
  }

  private String training() {
    return ReportPage.section(
        "gradients",
        "Gradients and distance",
        "The norm of the whole gradient of each network, and the critic's estimate of the distance"
            + " between real and drawn samples (for gan: the difference of the two probabilities).",
        legend()
            + Html.element(
                "div",
                "class=\"grid three\"",
                metric("‖∇G‖", "the generator's gradient", "generator_gradient_norm")
                    + metric("‖∇D‖", "the critic's gradient", "critic_gradient_norm")
                    + metric("distance", "the critic's estimate", "distance")));
  }

  private String metric(String title, String meaning, String column) {
    List<SvgPlot.Line> lines = new ArrayList<>();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry e = all.entries().get(i);
      lines.add(line(e.label(), i, false, Curve.ofMetric(e, column)));
    }
    return chart(title, meaning, new SvgPlot(title, Scale.LOGARITHMIC, false, lines));
  }

  private String losses() {
    StringBuilder charts = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry e = all.entries().get(i);
      List<SvgPlot.Line> lines =
          List.of(
              line("critic", i, false, Curve.ofMetric(e, "critic_loss")),
              line("generator", i, true, Curve.ofMetric(e, "generator_loss")));
      SvgPlot plot = new SvgPlot("losses of " + e.label(), Scale.LINEAR, false, lines);
      if (!plot.isEmpty()) {
        charts.append(
            Html.element(
                "figure",
                "class=\"card\"",
                Html.element("figcaption", "", Html.element("b", "", ReportPage.name(e)))
                    + plot.svg()));
      }
    }
    return ReportPage.section(
        "losses",
        "Losses",
        "The critic's as a line, the generator's dashed. They are of different kinds: compare their"
            + " course, not their values.",
        Html.element("div", "class=\"grid three\"", charts.toString()));
  }

  private static SvgPlot.Line line(String name, int colour, boolean dashed, Curve curve) {
    return new SvgPlot.Line(
        name, colour, dashed, curve.images(), curve.mean(), curve.low(), curve.high());
  }

  private static String chart(String title, String meaning, SvgPlot plot) {
    return plot.isEmpty()
        ? ""
        : Html.element(
            "figure",
            "class=\"card\"",
            Html.element(
                    "figcaption",
                    "",
                    Html.element("b", "", Html.escape(title))
                        + Html.element("span", "class=\"muted\"", Html.escape(meaning)))
                + plot.svg());
  }

  private String legend() {
    StringBuilder items = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      items.append(
          Html.element(
              "li",
              "class=\"" + ReportPage.colour(i) + "\"",
              "<i class=\"key\"></i>" + ReportPage.name(all.entries().get(i))));
    }
    return Html.element("ul", "class=\"legend\"", items.toString());
  }
}
