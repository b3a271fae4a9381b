package dev.kantor.compare;

import dev.kantor.gan.Setting;
import dev.kantor.report.Html;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What the trainings took, what they were, and how to do it again. */
record Costs(Comparison all) {
  String html() {
    return time() + settings();
  }

  private String time() {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      Entry e = all.entries().get(i);
      for (RunResult r : e.runs()) {
        rows.append(
            row(
                "<i class=\"key\"></i>" + ReportPage.name(e),
                ReportPage.colour(i),
                List.of(
                    Long.toString(r.seed()),
                    Spread.number(last(r, "epoch")),
                    "%,d".formatted((long) last(r, "samples")),
                    duration(r.seconds()),
                    String.format(Locale.ROOT, "%,.0f", r.imagesPerSecond()),
                    r.fault()
                        .map(f -> "diverged: " + f)
                        .orElse(r.manifest().environment().getOrDefault("runs-on", "")))));
      }
    }
    return ReportPage.section(
        "time",
        "Time",
        "Each training by itself; evaluations are not counted. Small models train several at once,"
            + " with a thread each.",
        table(List.of("", "seed", "epochs", "images", "time", "images/s", "on"), rows.toString()));
  }

  private static double last(RunResult r, String column) {
    double[] values = r.metrics().column(column);
    return values.length == 0 ? 0 : values[values.length - 1];
  }

  private static String duration(double seconds) {
    return seconds < 100
        ? String.format(Locale.ROOT, "%.0f s", seconds)
        : seconds < 6000
            ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
            : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
  }

  /** Settings in which not all contestants agree. */
  private String settings() {
    Set<String> names = new LinkedHashSet<>();
    for (Entry e : all.entries()) {
      for (Setting s : e.contestant().settings().all()) {
        String value = s.value();
        if (all.entries().stream().anyMatch(o -> !o.contestant().setting(s.name()).equals(value))) {
          names.add(s.name());
        }
      }
    }
    List<String> head = new ArrayList<>(List.of(""));
    all.entries().forEach(e -> head.add(e.label()));
    StringBuilder rows = new StringBuilder();
    for (String name : names) {
      rows.append(
          row(
              Html.escape(name),
              "",
              all.entries().stream().map(e -> e.contestant().setting(name)).toList()));
    }
    return ReportPage.section(
        "settings",
        "Settings that differ",
        "",
        table(head, rows.toString())
            + Html.element(
                "p",
                "class=\"muted\"",
                "Made by " + Html.element("code", "", Html.escape(all.setting().command()))));
  }

  private static String row(String name, String colour, List<String> values) {
    StringBuilder cells =
        new StringBuilder(Html.element("th", "scope=\"row\" class=\"" + colour + "\"", name));
    values.forEach(v -> cells.append(Html.element("td", "", Html.escape(v))));
    return Html.element("tr", "", cells.toString());
  }

  private static String table(List<String> head, String rows) {
    StringBuilder cells = new StringBuilder();
    head.forEach(h -> cells.append(Html.element("th", "scope=\"col\"", Html.escape(h))));
    return Html.element(
        "div",
        "class=\"card scroll\" tabindex=\"0\"",
        Html.element(
            "table",
            "",
            Html.element("thead", "", Html.element("tr", "", cells.toString()))
                + Html.element("tbody", "", rows)));
  }
}
