package dev.kantor.gan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A preset: default values for the settings of a family. Generator, critic, objective, regulariser,
 * optimiser and critic steps are independent choices, so a preset is data and nothing else.
 *
 * @param name on the command line
 * @param title for people
 * @param paper where it comes from
 * @param defaults values that differ from the family's
 */
public record Variant(
    String name, String title, String paper, Family family, Map<String, String> defaults) {
  private static final String GOODFELLOW = "Goodfellow et al. 2014";
  private static final String ARJOVSKY = "Arjovsky, Chintala, Bottou 2017";
  private static final String GULRAJANI = "Gulrajani et al. 2017";
  private static final String RADFORD = "Radford, Metz, Chintala 2016";

  private static final String CONV = "generator=conv critic=conv ";
  private static final String CLIPPED =
      "objective=wasserstein regulariser=clip optimizer=rmsprop learning-rate=5e-5 critic-steps=5";
  private static final String PENALISED =
      "objective=wasserstein regulariser=gradient-penalty learning-rate=1e-4 beta2=0.9"
          + " critic-steps=5";

  /** The presets, in the order in which the field found them. */
  public static final List<Variant> ALL =
      List.of(
          gan("gan", "GAN", GOODFELLOW, ""),
          gan("wgan", "Wasserstein GAN with weight clipping", ARJOVSKY, CLIPPED),
          gan("wgan-gp", "Wasserstein GAN with gradient penalty", GULRAJANI, PENALISED),
          gan("dcgan", "Deep convolutional GAN", RADFORD, CONV),
          gan(
              "wdcgan",
              "Convolutional Wasserstein GAN with weight clipping",
              ARJOVSKY,
              CONV + CLIPPED),
          gan(
              "wdcgan-gp",
              "Convolutional Wasserstein GAN with gradient penalty",
              GULRAJANI,
              CONV + PENALISED),
          gan("lsgan", "Least-squares GAN", "Mao et al. 2017", CONV + "objective=least-squares"),
          gan(
              "hinge",
              "Hinge loss with spectral norm",
              "Miyato et al. 2018",
              CONV
                  + "objective=hinge critic-norm=spectral-norm beta1=0 beta2=0.9"
                  + " critic-steps=5"),
          gan(
              "dragan",
              "Gradient penalty around the data",
              "Kodali et al. 2017",
              CONV + "regulariser=dragan"),
          gan(
              "wgan-lp",
              "Wasserstein GAN with one-sided gradient penalty",
              "Petzka, Fischer, Lukovnikov 2018",
              CONV + PENALISED + " penalty-sides=one"),
          gan(
              "r3gan",
              "Relativistic pairing loss with R1 and R2",
              "Huang et al. 2024",
              CONV
                  + "objective=relativistic regulariser=r1-r2 penalty-weight=1 beta1=0 beta2=0.99"
                  + " ema=0.998"),
          new Variant(
              "cvae-gan",
              "Conditional variational autoencoder with a critic and a classifier",
              "Bao et al. 2017",
              Family.CVAE_GAN,
              Map.of()),
          new Variant(
              "classifier",
              "Convolutional classifier",
              "Kantor",
              Family.CLASSIFIER,
              parse(
                  "learning-rate=1e-3 beta1=0.9 learning-rate-schedule=cosine"
                      + " learning-rate-epochs=6 learning-rate-end=0.05 dropout=0.25"
                      + " diff-augment=translation")));

  public Variant {
    defaults = Map.copyOf(defaults);
  }

  private static Variant gan(String name, String title, String paper, String defaults) {
    return new Variant(name, title, paper, Family.GAN, parse(defaults));
  }

  /** Words {@code name=value}. */
  private static Map<String, String> parse(String words) {
    Map<String, String> values = new HashMap<>();
    for (String word : words.split(" ")) {
      if (!word.isEmpty()) {
        String[] parts = word.split("=", 2);
        values.put(parts[0], parts[1]);
      }
    }
    return values;
  }

  /**
   * The preset of a name.
   *
   * @throws IllegalArgumentException listing the presets if there is none
   */
  public static Variant of(String name) {
    return ALL.stream()
        .filter(v -> v.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no variant '" + name + "'; there are " + String.join(", ", names())));
  }

  /** The names of all. */
  public static List<String> names() {
    return ALL.stream().map(Variant::name).toList();
  }

  /** Its settings with their defaults. */
  public Settings settings() {
    List<Setting> all = new ArrayList<>();
    for (Setting s : family.settings()) {
      String value = defaults.get(s.name());
      all.add(value == null ? s : new Setting(s.name(), value, s.meaning(), paper));
    }
    return Settings.of(name, all);
  }
}
