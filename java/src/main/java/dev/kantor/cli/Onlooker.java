package dev.kantor.cli;

import dev.kantor.train.Aside;
import dev.kantor.train.Evaluated;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.EventLog;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.Row;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Training;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Shows a training to everyone who wants to see it. */
final class Onlooker implements Training.Watcher {
  private final RunFolder folder;
  private final Sight sight;
  private final Examination examination;
  private final Display display;
  private final EventLog events;
  private final Aside aside;
  private final PrintWriter err;
  private long at;

  /**
   * @param examination null if there are no evaluations
   * @param events null if there is no event file
   * @param aside who finishes pictures
   * @param iteration done already
   */
  Onlooker(
      RunFolder folder,
      Sight sight,
      Examination examination,
      Display display,
      EventLog events,
      Aside aside,
      long iteration,
      PrintWriter err) {
    this.folder = folder;
    this.sight = sight;
    this.examination = examination;
    this.display = display;
    this.events = events;
    this.aside = aside;
    this.err = err;
    at = iteration;
  }

  @Override
  public void logged(Row row) throws IOException {
    if (events != null) {
      events.append(row);
    }
  }

  @Override
  public void progress(Training.Progress p) {
    at = p.iteration();
    display.show(p);
  }

  @Override
  public void picture(String name) throws IOException {
    Path picture = folder.samples().resolve(name + ".png");
    aside.run(sight.show(picture));
    if (events != null) {
      aside.await();
      if (Files.exists(picture)) {
        events.picture(at, picture);
      }
    }
    aside.runLatest(this::drawCurves);
  }

  private void drawCurves() throws IOException {
    MetricsLog.Table metrics = MetricsLog.read(folder.path());
    if (!metrics.rows().isEmpty()) {
      Pictures.writeCurves(
          folder.path().resolve("curves.png"), metrics, EvaluationLog.read(folder.path()));
    }
  }

  @Override
  public Training.Finding evaluate(List<Evaluated> before) {
    return examination.evaluate(before);
  }

  @Override
  public void evaluated(Evaluated evaluated) throws IOException {
    display.evaluated(evaluated);
    aside.runLatest(this::drawCurves);
    evaluated
        .alarm()
        .ifPresent(
            alarm -> err.println("kantor: iteration " + evaluated.iteration() + ": " + alarm));
    if (events != null) {
      events.append(evaluated);
    }
  }
}
