package dev.kantor.compare;

import dev.kantor.gan.Model;
import dev.kantor.gan.Settings;
import dev.kantor.gan.Variant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What is compared: a variant, with settings of its own if it has some.
 *
 * @param settings all, those shared by the contestants included
 * @param own settings that set it apart from the plain variant, in their order
 * @param budget how long it trains, if not as long as the others
 */
public record Contestant(Settings settings, Map<String, String> own, Optional<Budget> budget) {
  private static final String SEPARATOR = "+";

  public Contestant {
    Objects.requireNonNull(settings, "settings");
    Objects.requireNonNull(budget, "budget");
    own = new LinkedHashMap<>(own);
    if (!Variant.of(settings.variant()).family().draws()) {
      throw new IllegalArgumentException(
          settings.variant() + " draws no samples to compare; name other variants");
    }
  }

  /**
   * Reads {@code VARIANT}, {@code VARIANT+KEY=VALUE} or more of those: settings, and {@code
   * epochs}, {@code images} or {@code minutes} for a budget of its own.
   *
   * @throws IllegalArgumentException if there is no such variant or setting
   */
  public static Contestant parse(String text) {
    String[] parts = text.split("\\" + SEPARATOR);
    Contestant c = new Contestant(Variant.of(parts[0]).settings(), Map.of(), Optional.empty());
    for (int i = 1; i < parts.length; i++) {
      String[] pair = parts[i].split("=", 2);
      if (pair.length < 2) {
        throw new IllegalArgumentException(
            "'" + text + "' is no contestant; expected VARIANT or VARIANT+KEY=VALUE");
      }
      c =
          Budget.isUnit(pair[0]) && !c.settings.has(pair[0])
              ? new Contestant(c.settings, c.own, Optional.of(Budget.parse(pair[0], pair[1])))
              : c.with(pair[0], pair[1]);
    }
    return c;
  }

  /** This with one more setting of its own. */
  public Contestant with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(own);
    more.put(name, value);
    return new Contestant(settings.with(name, value), more, budget).checked();
  }

  /**
   * This with a setting that others have too; its own come first.
   *
   * @param name is ignored by a variant that has no such setting
   */
  public Contestant sharing(String name, String value) {
    return own.containsKey(name) || !settings.has(name)
        ? this
        : new Contestant(settings.with(name, value), own, budget).checked();
  }

  /** Finds what is wrong with a value before anything is opened. */
  private Contestant checked() {
    Model.of(settings, 1, 28, 28);
    return this;
  }

  /** The variant's name. */
  public String variant() {
    return settings.variant();
  }

  /** Whether it is the variant and nothing but the variant. */
  public boolean isPlain() {
    return own.isEmpty();
  }

  /** A setting's value; empty if the variant has no such setting. */
  public String setting(String name) {
    return settings.has(name) ? settings.text(name) : "";
  }

  /** Whether its critic is convolutional. */
  public boolean isConvolutional() {
    return !settings.has("critic") || setting("critic").equals("conv");
  }

  /** As it is written on the command line, the budget left out. */
  public String label() {
    StringBuilder text = new StringBuilder(variant());
    own.forEach((name, value) -> text.append(SEPARATOR).append(name).append('=').append(value));
    return text.toString();
  }

  /** The name of the folder of one of its runs. */
  public String folder(long seed) {
    return label().replace('+', '-').replaceAll("[^A-Za-z0-9.,=_-]", "_") + "-seed" + seed;
  }
}
