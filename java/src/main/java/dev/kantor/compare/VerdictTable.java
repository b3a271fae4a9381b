package dev.kantor.compare;

import dev.kantor.report.Html;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What each contestant's samples are worth at equally many images seen. */
public record VerdictTable(Comparison all) {
  String html() {
    List<Criterion> criteria = all.criteria();
    StringBuilder head = new StringBuilder(Html.element("th", "scope=\"col\"", ""));
    for (Criterion c : criteria) {
      String arrow =
          switch (c.better()) {
            case LESS -> " ↓";
            case MORE -> " ↑";
            case NEITHER -> "";
          };
      head.append(
          Html.element(
              "th",
              "scope=\"col\" title=\"" + Html.escape(c.meaning()) + "\"",
              Html.escape(c.title()) + arrow));
    }
    Optional<Comparison.Target> target = all.target();
    target.ifPresent(
        t ->
            head.append(
                Html.element(
                    "th",
                    "scope=\"col\"",
                    Html.escape(
                            "images until " + all.rankingTitle() + " ≤ " + Spread.number(t.value()))
                        + " ↓")));
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < all.entries().size(); i++) {
      rows.append(row(i, criteria, target));
    }
    all.setting()
        .real()
        .ifPresent(
            real -> {
              StringBuilder cells =
                  new StringBuilder(Html.element("th", "scope=\"row\"", "held-out real"));
              criteria.forEach(
                  c -> cells.append(Html.element("td", "", Spread.number(real.value(c.name())))));
              target.ifPresent(t -> cells.append(Html.element("td", "", "")));
              rows.append(Html.element("tr", "class=\"real\"", cells.toString()));
            });
    String table =
        Html.element(
            "table",
            "",
            Html.element("thead", "", Html.element("tr", "", head.toString()))
                + Html.element("tbody", "", rows.toString()));
    return ReportPage.section(
        "verdict",
        "Verdict at " + Claims.images(all.images()) + " seen",
        Html.escape(
            "Mean ± standard deviation over the seeds; the best mean is bold."
                + target
                    .map(
                        t ->
                            " Images are counted until "
                                + all.rankingTitle()
                                + " is at most "
                                + Spread.number(t.value())
                                + ": "
                                + t.reason()
                                + ".")
                    .orElse("")),
        Html.element("div", "class=\"card scroll\" tabindex=\"0\"", table));
  }

  private String row(int index, List<Criterion> criteria, Optional<Comparison.Target> target) {
    Entry e = all.entries().get(index);
    StringBuilder cells =
        new StringBuilder(
            Html.element(
                "th",
                "scope=\"row\" class=\"" + ReportPage.colour(index) + "\"",
                "<i class=\"key\"></i>" + ReportPage.name(e)));
    for (Criterion c : criteria) {
      boolean isBest = all.best(c).filter(b -> b == e).isPresent();
      cells.append(
          Html.element(
              "td",
              isBest ? "class=\"best\"" : "",
              Html.escape(e.at(c.name(), all.images()).toString())));
    }
    target.ifPresent(t -> cells.append(Html.element("td", "", Html.escape(until(e, t.value())))));
    return Html.element("tr", "", cells.toString());
  }

  private String until(Entry e, double target) {
    return e.sound().isEmpty() ? "–" : e.imagesUntil(all.ranking(), target).toString();
  }

  /** The same for a terminal: measures in rows. */
  public String toText() {
    List<String> names = all.entries().stream().map(Entry::label).toList();
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("at " + Claims.images(all.images())));
    head.addAll(names);
    all.setting().real().ifPresent(r -> head.add("held-out real"));
    rows.add(head);
    for (Criterion c : all.criteria()) {
      List<String> row = new ArrayList<>(List.of(c.title()));
      all.entries().forEach(e -> row.add(e.at(c.name(), all.images()).toString()));
      all.setting().real().ifPresent(r -> row.add(Spread.number(r.value(c.name()))));
      rows.add(row);
    }
    all.target()
        .ifPresent(
            t -> {
              List<String> row =
                  new ArrayList<>(
                      List.of(
                          "images until " + all.rankingTitle() + " " + Spread.number(t.value())));
              all.entries().forEach(e -> row.add(until(e, t.value())));
              rows.add(row);
            });
    List<String> speed = new ArrayList<>(List.of("images/s"));
    all.entries().forEach(e -> speed.add(e.of(RunResult::imagesPerSecond).toString()));
    rows.add(speed);
    return aligned(rows);
  }

  private static String aligned(List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    rows.forEach(
        r -> {
          for (int i = 0; i < r.size(); i++) {
            widths[i] = Math.max(widths[i], r.get(i).length());
          }
        });
    StringBuilder text = new StringBuilder();
    for (List<String> r : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < r.size(); i++) {
        line.append(
            String.format(
                Locale.ROOT, i == 0 ? "%-" + widths[i] + "s" : "  %" + widths[i] + "s", r.get(i)));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
