package dev.kantor.cli;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** What is running. */
final class Versions implements IVersionProvider {
  /** Of the jar; classes that are in none have no version. */
  static String kantor() {
    return Objects.requireNonNullElse(
        Versions.class.getPackage().getImplementationVersion(), "development");
  }

  static String java() {
    return System.getProperty("java.vm.name") + " " + System.getProperty("java.version");
  }

  @Override
  public String[] getVersion() {
    return new String[] {"Kantor " + kantor(), java()};
  }
}
