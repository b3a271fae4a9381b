package dev.kantor.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "help",
    description = "Explains a command or a topic: losses, data, settings, runs.",
    mixinStandardHelpOptions = true)
final class HelpCommand implements Callable<Integer> {
  static final List<String> TOPICS = List.of("losses", "data", "settings", "runs");

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "TOPIC",
      description = "A command, or losses, data, settings, runs.")
  private String topic;

  @Override
  public Integer call() throws IOException {
    CommandLine root = spec.root().commandLine();
    PrintWriter out = spec.commandLine().getOut();
    if (topic == null) {
      root.usage(out);
    } else if (root.getSubcommands().containsKey(topic)) {
      root.getSubcommands().get(topic).usage(out);
    } else if (TOPICS.contains(topic)) {
      try (InputStream text = HelpCommand.class.getResourceAsStream("topics/" + topic + ".txt")) {
        out.print(new String(text.readAllBytes(), StandardCharsets.UTF_8));
      }
    } else {
      throw new ParameterException(
          spec.commandLine(),
          "there is no command or topic '" + topic + "'; topics are " + String.join(", ", TOPICS));
    }
    out.flush();
    return Main.DONE;
  }
}
