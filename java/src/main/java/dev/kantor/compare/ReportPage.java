package dev.kantor.compare;

import dev.kantor.compare.Criterion.Better;
import dev.kantor.report.Html;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A comparison as one page of HTML that needs nothing else: no network, no other file. In light and
 * dark, on wide and narrow screens.
 */
public final class ReportPage {
  /** The style sheet has so many colours. */
  private static final int COLOURS = 8;

  /** Of more than so many a sentence gives the range only. */
  private static final int MOST_NAMED = 3;

  private final Comparison all;

  private ReportPage(Comparison all) {
    this.all = all;
  }

  /**
   * The page.
   *
   * @throws IOException if a picture of samples cannot be read
   */
  public static String of(Comparison comparison) throws IOException {
    return new ReportPage(comparison).html();
  }

  /** The class that gives a contestant its colour. */
  static String colour(int index) {
    return "c" + index % COLOURS;
  }

  /** A contestant's name: its own settings in small letters behind the variant. */
  static String name(Entry entry) {
    StringBuilder html = new StringBuilder(Html.escape(entry.contestant().variant()));
    entry
        .contestant()
        .own()
        .forEach(
            (key, value) ->
                html.append(
                    Html.element(
                        "small", "", " " + Html.escape(key) + "=<wbr>" + Html.escape(value))));
    return html.toString();
  }

  static String section(String id, String title, String lead, String content) {
    return "<section id=\""
        + id
        + "\">"
        + Html.element("h2", "", Html.escape(title))
        + (lead.isEmpty() ? "" : Html.element("p", "class=\"lead\"", lead))
        + content
        + "</section>\n";
  }

  private String html() throws IOException {
    String title = names() + " on " + all.setting().data();
    return """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="data:,">
    <title>\
    """
        + Html.escape(title)
        + "</title>\n<style>\n"
        + resource("report.css")
        + "</style>\n</head>\n<body>\n"
        + Html.element("header", "", header(title))
        + "\n<main>\n"
        + new SampleGrids(all).html()
        + bars()
        + claims()
        + new VerdictTable(all).html()
        + new Charts(all).html()
        + new Histograms(all).html()
        + new Costs(all).html()
        + "</main>\n<script>\n"
        + resource("report.js")
        + "</script>\n</body>\n</html>\n";
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String names() {
    List<String> names = all.entries().stream().map(Entry::label).toList();
    return names.size() == 1
        ? names.getFirst()
        : String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast();
  }

  private String header(String title) {
    long ended = all.entries().stream().mapToLong(e -> e.runs().size()).sum();
    long planned = (long) all.entries().size() * all.setting().seeds();
    int seeds = all.setting().seeds();
    String facts =
        all.setting().budget()
            + " each, "
            + seeds
            + (seeds == 1 ? " seed" : " seeds")
            + ", compared at "
            + Claims.images(all.images())
            + " seen; "
            + all.setting().device();
    return Html.element("h1", "", Html.escape(title))
        + headline()
        + Html.element("p", "class=\"muted\"", Html.escape(facts))
        + (ended < planned
            ? Html.element(
                "p",
                "class=\"note\"",
                ended + " of " + planned + " trainings have ended; this page is not final.")
            : "");
  }

  /** What the comparison says, in a sentence or two. */
  private String headline() {
    Optional<Entry> best = all.best();
    if (best.isEmpty()) {
      return "";
    }
    String measure = all.ranking();
    List<String> others =
        all.entries().stream()
            .filter(e -> e != best.get() && e.at(measure, all.images()).exists())
            .sorted(Comparator.comparingDouble(e -> e.at(measure, all.images()).mean()))
            .map(e -> e.at(measure, all.images()) + " (" + e.label() + ")")
            .toList();
    StringBuilder text =
        new StringBuilder(
            Html.element("strong", "", Html.escape(best.get().label()))
                + " comes closest to the real data: "
                + Html.escape(all.rankingTitle() + " ")
                + Html.element(
                    "strong", "", Html.escape(best.get().at(measure, all.images()).toString())));
    if (!others.isEmpty()) {
      text.append(Html.escape(", against " + String.join(", ", others)));
    }
    text.append(". ");
    all.criteria().stream()
        .filter(c -> c.name().equals("recall"))
        .findFirst()
        .ifPresent(
            c ->
                text.append(
                    Html.escape(
                        "Of the variety of real images, its samples reach "
                            + percent(best.get().at(c.name(), all.images()).mean())
                            + (others.isEmpty() ? "." : recalls(best.get())))));
    return Html.element("p", "class=\"headline\"", text.toString());
  }

  private String recalls(Entry best) {
    List<Entry> others =
        all.entries().stream()
            .filter(e -> e != best && e.at("recall", all.images()).exists())
            .toList();
    if (others.size() > MOST_NAMED) {
      Spread range =
          Spread.of(others.stream().map(e -> e.at("recall", all.images()).mean()).toList());
      return "; the others reach " + percent(range.low()) + " to " + percent(range.high()) + ".";
    }
    return others.stream()
        .map(e -> percent(e.at("recall", all.images()).mean()) + " (" + e.label() + ")")
        .collect(Collectors.joining(", ", "; the others reach ", "."));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  /** The measures that tell most, as bars. */
  private String bars() {
    List<String> panels = new ArrayList<>();
    for (Criterion c : all.criteria()) {
      if (panels.size() < 4 && !List.of("density", "kl-from-uniform").contains(c.name())) {
        panels.add(bars(c));
      }
    }
    return section(
        "summary",
        "In one look",
        "",
        Html.element("div", "class=\"grid four\"", String.join("", panels)));
  }

  private String bars(Criterion c) {
    double most =
        all.entries().stream()
            .mapToDouble(e -> e.at(c.name(), all.images()).mean())
            .filter(v -> !Double.isNaN(v))
            .max()
            .orElse(1);
    double real = all.setting().real().map(e -> e.value(c.name())).orElse(Double.NaN);
    double scale = Math.max(most, Double.isNaN(real) ? 0 : real);
    Optional<Entry> best = all.best(c);
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry e = all.entries().get(i);
      Spread s = e.at(c.name(), all.images());
      rows.append(
          bar(
              name(e),
              colour(i) + (best.filter(b -> b == e).isPresent() ? " best" : ""),
              s.mean() / scale,
              s.toString()));
    }
    if (!Double.isNaN(real)) {
      rows.append(bar("held-out real", "real", real / scale, Spread.number(real)));
    }
    String way = c.better() == Better.LESS ? "less is better" : "more is better";
    return Html.element(
        "div",
        "class=\"card\"",
        Html.element(
                "h3", "", Html.escape(c.title()) + Html.element("span", "class=\"muted\"", way))
            + rows
            + Html.element("p", "class=\"meaning\"", Html.escape(c.meaning())));
  }

  private static String bar(String name, String classes, double share, String value) {
    return Html.element(
        "div",
        "class=\"bar-row " + classes + "\"",
        Html.element("span", "class=\"bar-name\"", name)
            + Html.element(
                "span",
                "class=\"bar-track\"",
                String.format(
                    Locale.ROOT,
                    "<i style=\"width:%.1f%%\"></i>",
                    100 * (Double.isNaN(share) ? 0 : Math.clamp(share, 0, 1))))
            + Html.element("span", "class=\"bar-value\"", Html.escape(value)));
  }

  private String claims() {
    StringBuilder rows = new StringBuilder();
    for (Claim c : all.claims()) {
      String sign =
          switch (c.verdict()) {
            case HELD -> "✓";
            case NOT_HELD -> "✗";
            case NOT_MEASURED -> "–";
          };
      rows.append(
          Html.element(
              "li",
              "class=\"" + c.verdict().toString().replace(' ', '-') + "\"",
              Html.element("b", "", sign + " " + c.verdict())
                  + Html.element(
                      "div",
                      "",
                      Html.element("p", "", Html.escape(c.text()))
                          + Html.element("p", "class=\"muted\"", Html.escape(c.numbers())))));
    }
    return section(
        "claims",
        "What the papers say, and what was measured",
        "Better means: every seed of one is better than every seed of the other, at equally many"
            + " images seen.",
        Html.element("ul", "class=\"claims card\"", rows.toString()));
  }
}
