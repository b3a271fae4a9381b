package dev.kantor.watch;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.kantor.report.Curves;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsTail;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What one page is told of a run, read from its folder bit by bit: nothing is locked, and nothing
 * need be there yet. For one thread.
 */
final class Feed {
  /** The pictures that a page may ask for; an aborted write's have another name. */
  static final Pattern PICTURE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]*\\.png");

  /** With no file written for so long a run is not called training any more. */
  private static final long QUIET_MILLIS = 60_000;

  /** Rows have their epochs to four decimals. */
  private static final double EPOCH_ROUNDING = 2e-4;

  private static final Gson GSON = new Gson();

  private final RunFolder run;
  private final MetricsTail tail;
  private final MetricsTail evaluations;
  private Manifest manifest;
  private JsonArray pictures = new JsonArray();
  private JsonObject lastRow;
  private JsonObject state;

  Feed(RunFolder run) {
    this.run = run;
    tail = MetricsTail.ofMetrics(run.path());
    evaluations = MetricsTail.ofEvaluations(run.path());
  }

  /**
   * Something to tell.
   *
   * @param name {@code run}: name, goal, configuration, environment, panels of rows and of
   *     evaluations; {@code restart}: rows told of are void; {@code rows}: an array of rows of the
   *     metrics; {@code evaluations-restart}, {@code evaluations}: the same of evaluations, each
   *     with the values of its measures by their names, its histogram and its alarm; {@code
   *     pictures}: all of them, the earliest first, with the time of each; {@code state}: what the
   *     run is doing
   * @param data as the name says
   */
  record Event(String name, JsonElement data) {}

  /**
   * What is new since the last call; there may be more until a call returns nothing.
   *
   * @throws IOException if the folder cannot be read
   */
  List<Event> poll() throws IOException {
    List<Event> events = new ArrayList<>();
    Manifest now;
    try {
      now = run.manifest();
    } catch (NoSuchFileException e) {
      return events; // it is about to be made
    }
    if (!now.equals(manifest)) {
      manifest = now;
      events.add(new Event("run", description()));
    }
    MetricsTail.News news = tail.poll();
    if (news.isRestart()) {
      lastRow = null;
      events.add(new Event("restart", new JsonObject()));
    }
    if (!news.rows().isEmpty()) {
      lastRow = news.rows().getLast();
      JsonArray rows = new JsonArray();
      news.rows().forEach(rows::add);
      events.add(new Event("rows", rows));
    }
    addEvaluations(events);
    JsonArray there = pictures();
    if (!there.equals(pictures)) {
      pictures = there;
      events.add(new Event("pictures", there));
    }
    JsonObject doing = state();
    if (!doing.equals(state)) {
      state = doing;
      events.add(new Event("state", doing));
    }
    return events;
  }

  private void addEvaluations(List<Event> events) throws IOException {
    MetricsTail.News news = evaluations.poll();
    if (news.isRestart()) {
      events.add(new Event("evaluations-restart", new JsonObject()));
    }
    JsonArray rows = new JsonArray();
    for (JsonObject row : news.rows()) {
      if (row.remove("evaluation") instanceof JsonObject evaluation) {
        evaluation
            .asMap()
            .forEach((name, e) -> row.add(name, e instanceof JsonObject m ? m.get("value") : e));
        rows.add(row);
      }
    }
    if (!rows.isEmpty()) {
      events.add(new Event("evaluations", rows));
    }
  }

  private JsonObject description() {
    JsonObject goal = new JsonObject();
    goal.addProperty("unit", manifest.goal().unit().toString());
    goal.addProperty("amount", manifest.goal().amount());
    JsonObject o = new JsonObject();
    o.addProperty("name", run.path().toAbsolutePath().normalize().getFileName().toString());
    o.addProperty("goalText", manifest.goal().toString());
    o.add("goal", goal);
    o.add("configuration", GSON.toJsonTree(manifest.configuration()));
    o.add("environment", GSON.toJsonTree(manifest.environment()));
    o.add("panels", GSON.toJsonTree(Curves.ALL));
    o.add("evaluationPanels", GSON.toJsonTree(Curves.EVALUATIONS));
    return o;
  }

  private JsonArray pictures() throws IOException {
    record Found(String name, long time) {}
    List<Found> found = new ArrayList<>();
    if (Files.isDirectory(run.samples())) {
      try (Stream<Path> files = Files.list(run.samples())) {
        for (Path f : files.toList()) {
          String name = f.getFileName().toString();
          if (PICTURE.matcher(name).matches()) {
            found.add(new Found(name, Files.getLastModifiedTime(f).toMillis()));
          }
        }
      }
    }
    // By length before letters: epoch-10000 comes after epoch-9999. Of what ended between epochs
    // there is one picture, made last.
    found.sort(
        Comparator.comparing((Found f) -> f.name.startsWith("iteration-"))
            .thenComparing(f -> f.name.length())
            .thenComparing(Found::name));
    return GSON.toJsonTree(found).getAsJsonArray();
  }

  private JsonObject state() throws IOException {
    JsonObject o = new JsonObject();
    long newest = newest();
    boolean isQuiet = System.currentTimeMillis() - newest > QUIET_MILLIS;
    o.addProperty("name", isDone() ? "done" : isQuiet ? "quiet" : "training");
    if (isQuiet) {
      o.addProperty("since", newest);
    }
    return o;
  }

  private long newest() throws IOException {
    long newest = 0;
    for (Path p :
        List.of(
            run.path(),
            run.path().resolve("metrics.jsonl"),
            EvaluationLog.file(run.path()),
            run.samples(),
            run.checkpoints())) {
      if (Files.exists(p)) {
        newest = Math.max(newest, Files.getLastModifiedTime(p).toMillis());
      }
    }
    return newest;
  }

  /** Whether the goal was reached, as far as the rows and the checkpoints say. */
  private boolean isDone() throws IOException {
    List<Long> checkpoints = run.iterations();
    if (lastRow == null || checkpoints.isEmpty()) {
      return false;
    }
    Goal goal = manifest.goal();
    long saved = checkpoints.getFirst();
    return switch (goal.unit()) {
      case ITERATIONS -> saved >= goal.amount();
      case MINUTES -> lastRow.get("seconds").getAsDouble() >= goal.seconds();
      case EPOCHS ->
          saved * lastRow.get("epoch").getAsDouble() / lastRow.get("iteration").getAsLong()
              >= goal.amount() - EPOCH_ROUNDING;
    };
  }
}
