package dev.kantor.compare;

import dev.kantor.report.Html;
import dev.kantor.train.Evaluated;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Samples of the contestants side by side, at equally many images seen; a slider goes back. */
record SampleGrids(Comparison all) {
  String html() throws IOException {
    List<Long> points = points();
    StringBuilder cards = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      cards.append(card(i, points));
    }
    String slider =
        points.size() < 2
            ? ""
            : "<label class=\"slider\"><span>images seen</span><input type=\"range\" id=\"step\""
                + " min=\"0\" max=\""
                + (points.size() - 1)
                + "\" value=\""
                + (points.size() - 1)
                + "\"><output id=\"at\" data-points=\""
                + String.join("|", points.stream().map("%,d"::formatted).toList())
                + "\">"
                + "%,d".formatted(points.getLast())
                + "</output></label>";
    return ReportPage.section(
        "samples",
        "Samples at equally many images seen",
        Html.escape(
            "Of the first seed, from the same noise throughout, not chosen."
                + (points.size() < 2 ? "" : " The slider goes back in time.")),
        slider + Html.element("div", "class=\"grid samples\"", cards.toString()));
  }

  /** Where all contestants have been evaluated: by the one that has seen the fewest images. */
  private List<Long> points() {
    return all.entries().stream()
        .flatMap(e -> e.sound().stream())
        .filter(r -> r.images() > 0)
        .min(Comparator.comparingLong(RunResult::images))
        .map(r -> r.evaluations().stream().map(Evaluated::samples).toList())
        .orElse(List.of());
  }

  private String card(int index, List<Long> points) throws IOException {
    Entry entry = all.entries().get(index);
    boolean isBest = all.entries().size() > 1 && all.best().filter(b -> b == entry).isPresent();
    StringBuilder content =
        new StringBuilder(
            Html.element(
                "h3",
                "",
                ReportPage.name(entry)
                    + (isBest ? Html.element("span", "class=\"badge\"", "best") : "")));
    Optional<RunResult> run = entry.sound().stream().findFirst();
    if (run.isEmpty()) {
      content.append(
          Html.element(
              "p",
              "class=\"muted\"",
              entry.runs().isEmpty()
                  ? "not trained yet"
                  : "diverged: " + Html.escape(entry.runs().getFirst().fault().orElse(""))));
    } else {
      for (int step = 0; step < points.size(); step++) {
        content.append(
            picture(entry, run.get(), points.get(step), step, step == points.size() - 1));
      }
      content.append(Html.element("dl", "", numbers(entry)));
    }
    return Html.element(
        "article", "class=\"card " + ReportPage.colour(index) + "\"", content.toString());
  }

  private String picture(Entry entry, RunResult run, long images, int step, boolean isShown)
      throws IOException {
    Optional<Evaluated> at = run.at(images);
    if (at.isEmpty()) {
      return "";
    }
    Path file = RunResult.grid(run.folder(), at.get().iteration());
    if (!Files.exists(file)) {
      return "";
    }
    return "<img data-step=\""
        + step
        + "\""
        + (isShown ? "" : " hidden")
        + " alt=\"samples of "
        + Html.escape(entry.label())
        + " after %,d images\" title=\"%<,d images, iteration %,d\" src=\""
            .formatted(at.get().samples(), at.get().iteration())
        + Html.dataUri(Files.readAllBytes(file))
        + "\">";
  }

  /** The first three measures, and how many classes. */
  private String numbers(Entry entry) {
    StringBuilder html = new StringBuilder();
    for (Criterion c : all.criteria()) {
      if (List.of("fd-judge", "recall", "classes-covered", "modes-covered", "mode-distance")
          .contains(c.name())) {
        html.append(
            Html.element(
                "div",
                "",
                Html.element("dt", "", Html.escape(c.title()))
                    + Html.element(
                        "dd", "", Html.escape(entry.at(c.name(), all.images()).toString()))));
      }
    }
    return html.toString();
  }
}
