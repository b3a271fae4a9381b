package dev.kantor.gan;

import java.util.Objects;

/**
 * A setting: its one name for {@code --set}, the configuration file, the manifest and the Java API.
 *
 * @param name as written
 * @param value its default, or the value given
 * @param meaning what it does, its unit or choices
 * @param source where the default comes from
 */
public record Setting(String name, String value, String meaning, String source) {
  public Setting {
    Objects.requireNonNull(value, "value");
    if (!name.matches("[a-z][a-z0-9-]*")) {
      throw new IllegalArgumentException(
          "a setting's name is lower-case words with hyphens: " + name);
    }
  }
}
