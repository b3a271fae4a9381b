package dev.kantor.cli;

import dev.kantor.gan.Design;
import dev.kantor.gan.Generation;
import dev.kantor.gan.Sampler;
import dev.kantor.gan.Variant;
import dev.kantor.graph.State;
import dev.kantor.nativelib.KantorException;
import dev.kantor.tensor.Device;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line. Results go to the first stream, progress and errors to the second. */
@Command(
    name = "kantor",
    description = "Trains generative adversarial networks.",
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    versionProvider = Versions.class,
    footer = {
      "",
      "First steps:",
      "  kantor train wgan-gp --data glyphs --epochs 5 --out runs/first",
      "  kantor sample runs/first --count 64 --out digits.png",
      "",
      "kantor help TOPIC explains: losses (why is it negative?), data, settings, runs.",
      "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted with the state saved."
    })
public final class Main {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int WRONG_USAGE = 2;
  static final int INTERRUPTED = 130;

  private static final Map<String, Supplier<Object>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("train", TrainCommand::new);
    COMMANDS.put("resume", ResumeCommand::new);
    COMMANDS.put("sample", SampleCommand::new);
    COMMANDS.put("evaluate", EvaluateCommand::new);
    COMMANDS.put("compare", CompareCommand::new);
    COMMANDS.put("watch", WatchCommand::new);
    COMMANDS.put("info", InfoCommand::new);
    COMMANDS.put("bench", BenchCommand::new);
    COMMANDS.put("bundle", BundleCommand::new);
    COMMANDS.put("completion", CompletionCommand::new);
    COMMANDS.put("help", HelpCommand::new);
  }

  /** Commands that look at the others. */
  private static final Set<String> NEEDS_ALL = Set.of("completion", "help");

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show where an error comes from.")
  private boolean verbose;

  private Main() {}

  public static void main(String[] args) {
    if (args.length > 0 && args[0].equals("sample")) {
      Thread.ofPlatform().daemon().name("warm-up").start(Main::warmUp);
    }
    System.exit(run(System.out, System.err, args));
  }

  /**
   * Loads the native core and the classes of sampling while picocli reads the command line: of half
   * a second, each takes a good part.
   */
  private static void warmUp() {
    Generation generation = Design.of(Variant.of("gan").settings(), 1).generation().orElseThrow();
    try (Device device = Device.open("cpu", 1);
        State state = new State(device)) {
      generation.slots().forEach(state::add);
      new Sampler(generation, state, 1, 0).close();
    } catch (KantorException e) {
      // The command meets it again, and says so.
    }
  }

  /**
   * Runs a command.
   *
   * @return the exit status
   */
  public static int run(PrintStream out, PrintStream err, String... args) {
    Main main = new Main();
    PrintWriter results = new PrintWriter(out, true, StandardCharsets.UTF_8);
    PrintWriter messages = new PrintWriter(err, true, StandardCharsets.UTF_8);
    CommandLine line = new CommandLine(main);
    // picocli takes its time to read a command's options, so it reads those of the one that is
    // called.
    boolean one = args.length > 0 && COMMANDS.containsKey(args[0]) && !NEEDS_ALL.contains(args[0]);
    COMMANDS.forEach(
        (name, command) -> {
          if (!one || name.equals(args[0])) {
            line.addSubcommand(name, command.get());
          }
        });
    line.setOut(results)
        .setErr(messages)
        .setUsageHelpAutoWidth(false)
        .setUsageHelpWidth(110)
        .setParameterExceptionHandler((e, _) -> wrongUsage(e))
        .setExecutionExceptionHandler((e, command, _) -> main.failed(e, command));
    if (args.length == 0) {
      line.usage(messages);
      return WRONG_USAGE;
    }
    int status = line.execute(args);
    results.flush();
    messages.flush();
    return status;
  }

  private static int wrongUsage(ParameterException e) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("kantor: " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, err);
    err.println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
    return WRONG_USAGE;
  }

  private int failed(Exception e, CommandLine command) throws Exception {
    boolean expected =
        e instanceof IOException
            || e instanceof UncheckedIOException
            || e instanceof KantorException
            || e instanceof IllegalArgumentException;
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    if (e instanceof FileSystemException f && f.getReason() == null) {
      text += ": " + e.getClass().getSimpleName(); // its message is the path alone
    }
    // The native core puts one cause on a line.
    String oneLine = String.join("; ", text.strip().lines().toList());
    command
        .getErr()
        .println(
            "kantor: "
                + (expected
                    ? oneLine
                    : "internal error: "
                        + e.getClass().getSimpleName()
                        + ": "
                        + oneLine
                        + "; please report it with the output of --verbose"));
    if (verbose) {
      e.printStackTrace(command.getErr());
    }
    return FAILED;
  }
}
