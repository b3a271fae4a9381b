package dev.kantor.compare;

import dev.kantor.compare.Claim.Verdict;
import dev.kantor.gan.Variant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the papers of these variants claim, held against the numbers. One contestant is better than
 * another if each of its seeds is better than each of the other's, at equally many images seen.
 */
final class Claims {
  /** Ranks that agree so far move together. */
  private static final double CORRELATED = 0.5;

  /** Digits are clear if the judge takes so many for digits; it is asked for the class as often. */
  private static final double MOST = 0.9;

  /** Of so few samples, or fewer, that show anything nothing can be said of classes. */
  private static final double DRAWS = 0.01;

  private static final double FINAL_EPOCH = 100;
  private static final String CLASSES = "classes-covered";
  private static final String RECALL = "recall";
  private static final String ACCEPTED = "accepted";

  private final Comparison all;
  private final String distance;

  Claims(Comparison all) {
    this.all = all;
    distance = all.ranking();
  }

  List<Claim> all() {
    List<Claim> claims = new ArrayList<>();
    claims.add(new GradientClaims(all).saturating());
    claims.add(lessDiverse("generator-loss=non-saturating", false));
    claims.add(lessDiverse("generator-loss=saturating", true));
    claims.add(keepsClasses());
    claims.add(distanceMeansSomething());
    claims.add(rough());
    claims.add(new WeightClaims(all).piles());
    claims.add(new GradientClaims(all).clipSweep());
    claims.add(betterAndSooner());
    claims.add(diverseAndClear());
    claims.add(new WeightClaims(all).noPile());
    claims.add(convolutional());
    claims.add(conditional());
    return claims;
  }

  /** The contestant that is a variant as it comes, or has nothing but defaults set. */
  static Optional<Entry> plain(Comparison all, String variant) {
    return all.entries().stream()
        .filter(e -> e.contestant().variant().equals(variant) && e.isThere())
        .filter(
            e ->
                e.contestant().own().entrySet().stream()
                    .allMatch(
                        own ->
                            Variant.of(variant)
                                .settings()
                                .text(own.getKey())
                                .equals(own.getValue())))
        .min(Comparator.comparing(e -> e.contestant().own().size()));
  }

  private Optional<Entry> plain(String variant) {
    return plain(all, variant);
  }

  private Claim lessDiverse(String form, boolean saturating) {
    String text =
        "gan (" + form + ") loses diversity: it covers fewer classes or recalls less than wgan-gp.";
    Optional<Entry> gan = GradientClaims.gan(all, saturating);
    Optional<Entry> penalised = plain("wgan-gp");
    if (gan.isEmpty() || penalised.isEmpty()) {
      return Claim.notMeasured(
          text, "compare gan" + (saturating ? "+" + form : "") + " and wgan-gp");
    }
    long images = Comparison.images(List.of(gan.get(), penalised.get()));
    boolean isLess =
        isBelow(gan.get(), penalised.get(), CLASSES, images)
            || isBelow(gan.get(), penalised.get(), RECALL, images);
    boolean isMore =
        isBelow(penalised.get(), gan.get(), CLASSES, images)
            || isBelow(penalised.get(), gan.get(), RECALL, images);
    return Claim.of(
        text,
        isLess && !isMore,
        beside("classes", CLASSES, List.of(gan.get(), penalised.get()), images)
            + "; "
            + beside(RECALL, RECALL, List.of(gan.get(), penalised.get()), images));
  }

  private Claim keepsClasses() {
    String text = "wgan keeps all classes covered.";
    Optional<Entry> wgan = plain("wgan");
    if (wgan.isEmpty()) {
      return Claim.notMeasured(text, "compare wgan");
    }
    // Its own, whatever shorter trainings stand beside it.
    long images = Comparison.images(List.of(wgan.get()));
    Spread accepted = wgan.get().at(ACCEPTED, images);
    if (accepted.low() < DRAWS) {
      return Claim.notMeasured(text, "too early: accepted " + accepted + " at " + images(images));
    }
    Spread covered = wgan.get().at(CLASSES, images);
    int classes = classes(wgan.get());
    return Claim.of(
        text,
        covered.low() >= classes,
        covered + " of " + classes + " classes at " + images(images));
  }

  private static int classes(Entry entry) {
    return entry.sound().getFirst().evaluations().getLast().histogram().length;
  }

  /** The estimate between two evaluations, beside the distance at the later one. */
  private Claim distanceMeansSomething() {
    String text =
        "wgan's estimate of the distance falls as the samples get better: it means something.";
    Optional<Entry> wgan = plain("wgan");
    if (wgan.isEmpty()) {
      return Claim.notMeasured(text, "compare wgan");
    }
    List<Double> correlations = new ArrayList<>();
    List<Double> falls = new ArrayList<>();
    for (RunResult r : wgan.get().sound()) {
      double[] estimates = Curve.between(r, "distance");
      double[] distances = r.evaluations().stream().mapToDouble(e -> e.value(distance)).toArray();
      correlations.add(Ranks.correlation(estimates, distances));
      falls.add(estimates[estimates.length - 1] / estimates[0]);
    }
    Spread together = Spread.of(correlations);
    Spread fall = Spread.of(falls);
    if (!together.exists()) {
      return Claim.notMeasured(text, "three evaluations or more are needed");
    }
    return Claim.of(
        text,
        together.low() >= CORRELATED && fall.high() < 1,
        "rank correlation with "
            + all.rankingTitle()
            + " "
            + together
            + "; the last estimate is "
            + fall
            + " × the first");
  }

  private Claim rough() {
    String text = "wgan's samples are rough: fewer of them are taken for digits than of wgan-gp's.";
    return compared(
        text,
        "wgan",
        "wgan-gp",
        (wgan, penalised, images) ->
            Claim.of(
                text,
                isBelow(wgan, penalised, ACCEPTED, images),
                beside(ACCEPTED, ACCEPTED, List.of(wgan, penalised), images)));
  }

  private Claim betterAndSooner() {
    String text = "wgan-gp gets better than wgan, and sooner.";
    return compared(
        text,
        "wgan",
        "wgan-gp",
        (wgan, penalised, images) -> {
          double target = Comparison.best(wgan, distance, images).mean();
          Until slow = wgan.imagesUntil(distance, target);
          Until fast = penalised.imagesUntil(distance, target);
          String numbers =
              beside(all.rankingTitle(), distance, List.of(wgan, penalised), images)
                  + "; images until wgan's best, "
                  + Spread.number(target)
                  + ": wgan "
                  + slow
                  + ", wgan-gp "
                  + fast;
          boolean isBetter = isBelow(penalised, wgan, distance, images);
          // wgan's best may have been one of those that are missing.
          boolean isKnown =
              wgan.isComplete(images) && slow.notMeasured() == 0 && fast.notMeasured() == 0;
          if (isBetter && fast.notReached() == 0 && !isKnown) {
            return Claim.notMeasured(
                text,
                numbers
                    + "; another judge evaluated what was kept again, and what was not kept is"
                    + " missing: train both anew, into another folder");
          }
          boolean isSooner =
              fast.isReachedByAll()
                  && (!slow.isReachedByAll() || fast.images().isBelow(slow.images()));
          return Claim.of(text, isBetter && isSooner, numbers);
        });
  }

  private interface Judgement {
    Claim of(Entry first, Entry second, long images);
  }

  private Claim compared(String text, String first, String second, Judgement judgement) {
    Optional<Entry> a = plain(first);
    Optional<Entry> b = plain(second);
    if (a.isEmpty() || b.isEmpty()) {
      return Claim.notMeasured(text, "compare " + first + " and " + second);
    }
    return judgement.of(a.get(), b.get(), Comparison.images(List.of(a.get(), b.get())));
  }

  private Claim diverseAndClear() {
    String text = "wgan-gp draws diverse, clear digits by epoch 100.";
    Optional<Entry> entry = plain("wgan-gp");
    if (entry.isEmpty()) {
      return Claim.notMeasured(text, "compare wgan-gp");
    }
    long images = Comparison.images(List.of(entry.get()));
    Spread epoch = entry.get().of(r -> r.at(images).map(e -> e.epoch()).orElse(Double.NaN));
    Spread classes = entry.get().at(CLASSES, images);
    Spread accepted = entry.get().at(ACCEPTED, images);
    boolean isGood = classes.low() >= classes(entry.get()) && accepted.low() >= MOST;
    Verdict verdict =
        isGood
            ? Verdict.HELD
            : epoch.high() < FINAL_EPOCH ? Verdict.NOT_MEASURED : Verdict.NOT_HELD;
    return new Claim(
        text,
        verdict,
        "at epoch "
            + Spread.number(epoch.mean())
            + ": "
            + classes
            + " classes, "
            + accepted
            + " accepted, recall "
            + entry.get().at(RECALL, images));
  }

  private Claim convolutional() {
    String text = "Convolutional networks are better than MLPs at equally many images.";
    List<String> parts = new ArrayList<>();
    boolean isHeld = true;
    for (String variant : List.of("gan", "wgan", "wgan-gp")) {
      Optional<Entry> mlp = plain(variant);
      Optional<Entry> conv =
          plain(variant.equals("gan") ? "dcgan" : variant.replace("wgan", "wdcgan"));
      if (mlp.isPresent() && conv.isPresent()) {
        long images = Comparison.images(List.of(mlp.get(), conv.get()));
        isHeld &= isBelow(conv.get(), mlp.get(), distance, images);
        parts.add(beside(all.rankingTitle(), distance, List.of(conv.get(), mlp.get()), images));
      }
    }
    return parts.isEmpty()
        ? Claim.notMeasured(
            text, "compare gan and dcgan, wgan and wdcgan, or wgan-gp and wdcgan-gp")
        : Claim.of(text, isHeld, String.join("; ", parts));
  }

  private Claim conditional() {
    String text = "cvae-gan draws the class that it is asked for.";
    Optional<Entry> entry = plain("cvae-gan");
    if (entry.isEmpty()) {
      return Claim.notMeasured(text, "compare cvae-gan");
    }
    long images = Comparison.images(List.of(entry.get()));
    Spread agreement = entry.get().at("agreement", images);
    return Claim.of(
        text, agreement.low() >= MOST, "agreement " + agreement + " at " + images(images));
  }

  private static boolean isBelow(Entry a, Entry b, String measure, long images) {
    return a.at(measure, images).isBelow(b.at(measure, images));
  }

  private static String beside(String title, String measure, List<Entry> entries, long images) {
    List<String> parts =
        entries.stream().map(e -> e.label() + " " + e.at(measure, images)).toList();
    return title + " at " + images(images) + ": " + String.join(", ", parts);
  }

  static String images(long images) {
    return String.format(Locale.ROOT, "%,d images", images);
  }
}
