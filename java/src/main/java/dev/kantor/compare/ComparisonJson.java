package dev.kantor.compare;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import dev.kantor.train.Evaluated;
import java.nio.file.Path;
import java.util.List;

/** A comparison for machines: what the report shows, pictures and curves of training apart. */
public final class ComparisonJson {
  private ComparisonJson() {}

  /**
   * As text.
   *
   * @param out the folder that the runs' are in
   */
  public static String of(Comparison all, Path out) {
    JsonObject o = new JsonObject();
    o.addProperty("command", all.setting().command());
    o.addProperty("data", all.setting().data());
    o.addProperty("budget", all.setting().budget().toString());
    o.addProperty("device", all.setting().device());
    o.addProperty("images", all.images());
    all.target()
        .ifPresent(
            t -> {
              JsonObject target = new JsonObject();
              target.addProperty("measure", all.ranking());
              add(target, "value", t.value());
              target.addProperty("reason", t.reason());
              o.add("target", target);
            });
    all.setting().real().ifPresent(r -> o.add("real", r.evaluation()));
    JsonArray contestants = new JsonArray();
    for (Entry e : all.entries()) {
      contestants.add(contestant(all, e, out));
    }
    o.add("contestants", contestants);
    JsonArray claims = new JsonArray();
    for (Claim c : all.claims()) {
      JsonObject claim = new JsonObject();
      claim.addProperty("claim", c.text());
      claim.addProperty("verdict", c.verdict().toString());
      claim.addProperty("numbers", c.numbers());
      claims.add(claim);
    }
    o.add("claims", claims);
    return new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create()
            .toJson(o)
        + "\n";
  }

  private static JsonObject contestant(Comparison all, Entry e, Path out) {
    JsonObject o = new JsonObject();
    o.addProperty("name", e.label());
    o.addProperty("variant", e.contestant().variant());
    JsonObject own = new JsonObject();
    e.contestant().own().forEach(own::addProperty);
    o.add("settings", own);
    JsonObject measures = new JsonObject();
    for (Criterion c : all.criteria()) {
      measures.add(c.name(), spread(e.at(c.name(), all.images())));
    }
    o.add("measures", measures);
    all.target()
        .ifPresent(
            t -> {
              Until until = e.imagesUntil(all.ranking(), t.value());
              JsonObject images = spread(until.images());
              images.addProperty("not-reached", until.notReached());
              images.addProperty("not-measured", until.notMeasured());
              o.add("images-until-target", images);
            });
    o.add("images-per-second", spread(e.of(RunResult::imagesPerSecond)));
    JsonArray runs = new JsonArray();
    for (RunResult r : e.runs()) {
      JsonObject run = new JsonObject();
      run.addProperty("folder", out.relativize(r.folder()).toString());
      run.addProperty("seed", r.seed());
      run.addProperty("images", r.images());
      add(run, "seconds", r.seconds());
      r.fault().ifPresent(f -> run.addProperty("diverged", f));
      run.add("critic-weights", weights(r.layers()));
      JsonArray evaluations = new JsonArray();
      for (Evaluated at : r.evaluations()) {
        JsonObject point = new JsonObject();
        point.addProperty("images", at.samples());
        point.add("evaluation", at.evaluation());
        evaluations.add(point);
      }
      run.add("evaluations", evaluations);
      runs.add(run);
    }
    o.add("runs", runs);
    return o;
  }

  private static JsonArray weights(List<LayerWeights> layers) {
    JsonArray all = new JsonArray();
    for (LayerWeights l : layers) {
      JsonObject o = new JsonObject();
      o.addProperty("layer", l.layer());
      o.addProperty("limit", l.limit());
      o.addProperty("share-at-the-limit", l.share());
      o.addProperty("times-as-dense-as-inside", l.pile());
      all.add(o);
    }
    return all;
  }

  private static JsonObject spread(Spread s) {
    JsonObject o = new JsonObject();
    o.addProperty("seeds", s.count());
    add(o, "mean", s.mean());
    add(o, "deviation", s.deviation());
    add(o, "low", s.low());
    add(o, "high", s.high());
    return o;
  }

  /** JSON has no NaN. */
  private static void add(JsonObject o, String name, double value) {
    if (Double.isFinite(value)) {
      o.addProperty(name, value);
    } else {
      o.add(name, JsonNull.INSTANCE);
    }
  }
}
