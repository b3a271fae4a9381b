package dev.kantor.cli;

import dev.kantor.cli.Tournament.Heat;
import dev.kantor.compare.RunResult;
import dev.kantor.metrics.Yardstick;
import dev.kantor.train.Aside;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.Row;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Shows one of several trainings that go on at once: a line for each evaluation. */
final class Progress implements Training.Watcher, AutoCloseable {
  private static final double SECONDS_BETWEEN_LINES = 60;

  private final Heat heat;
  private final Sight sight;
  private final Examination examination;
  private final Aside aside;
  private final PrintWriter err;
  private Training.Progress latest;
  private double lastLine;

  /**
   * @param aside who finishes pictures
   */
  Progress(Heat heat, Session session, Yardstick yardstick, Aside aside, PrintWriter err) {
    this.heat = heat;
    this.aside = aside;
    this.err = err;
    sight = session.sight(new PrintWriter(PrintWriter.nullWriter()));
    examination = session.examination(heat.manifest().schedule(), yardstick);
  }

  @Override
  public void logged(Row row) {
    // The run's folder has it.
  }

  @Override
  public void progress(Training.Progress p) {
    latest = p;
    if (p.row().seconds() - lastLine >= SECONDS_BETWEEN_LINES) {
      say(p.row().samples(), p.row().seconds(), "");
    }
  }

  @Override
  public void picture(String name) throws IOException {
    aside.run(sight.show(heat.run().samples().resolve(name + ".png")));
    aside.runLatest(this::drawCurves);
  }

  private void drawCurves() throws IOException {
    MetricsLog.Table metrics = MetricsLog.read(heat.folder());
    if (!metrics.rows().isEmpty()) {
      Pictures.writeCurves(
          heat.folder().resolve("curves.png"), metrics, EvaluationLog.read(heat.folder()));
    }
  }

  @Override
  public Training.Finding evaluate(List<Evaluated> before) {
    return examination.evaluate(before);
  }

  @Override
  public void evaluated(Evaluated e) throws IOException {
    Path grid = RunResult.grid(heat.folder(), e.iteration());
    Files.createDirectories(grid.getParent());
    aside.run(sight.show(grid));
    aside.runLatest(this::drawCurves);
    say(
        e.samples(),
        e.seconds(),
        String.format(Locale.ROOT, "  %s %.4g", e.ranking(), e.distance())
            + e.alarm().map(a -> "  " + a).orElse(""));
  }

  private void say(long images, double seconds, String more) {
    lastLine = seconds;
    String speed =
        latest == null
            ? ""
            : String.format(
                Locale.ROOT,
                "  %,.0f images/s  %s left",
                latest.samplesPerSecond(),
                Display.duration(latest.secondsLeft()));
    err.println(
        heat.folder().getFileName()
            + String.format(Locale.ROOT, "  %,d images", images)
            + more
            + speed);
    err.flush();
  }

  @Override
  public void close() {
    sight.close();
    if (examination != null) {
      examination.close();
    }
  }
}
