package dev.kantor.cli;

import dev.kantor.io.AtomicFile;
import dev.kantor.nativelib.Native;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "bundle",
    description = "Packs Kantor and the part of Java that it needs into one archive.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Unpacked on another machine of this kind (Linux, the same processor family, a C library not"
          + " older than this",
      "machine's), its program kantor trains, draws and samples with no Java, fonts or display"
          + " there.",
      "",
      "Examples:",
      "  kantor bundle --out kantor.tar.xz",
      "  kantor bundle --cuda --out kantor-gpu.tar.xz",
      "  tar -xf kantor.tar.xz && kantor/kantor train wgan-gp --data glyphs --epochs 5"
    })
final class BundleCommand implements Callable<Integer> {
  /** What jdeps finds, and the providers that are only looked up: TLS for downloads. */
  private static final String MODULES =
      "java.base,java.logging,java.management,java.net.http,jdk.httpserver,jdk.management,"
          + "jdk.unsupported,jdk.crypto.ec";

  private static final String PICTURE_MODULE = ",java.desktop";
  private static final String NAME = "kantor";

  /** The programs that pack, by the archive's ending. */
  private static final List<String[]> PACKERS =
      List.of(
          new String[] {".tar.xz", "xz -6 -T0"},
          new String[] {".tar.gz", "gzip"},
          new String[] {".tar", null});

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "A .tar.xz, .tar.gz or .tar. Default: ${DEFAULT-VALUE}.",
      defaultValue = "kantor.tar.xz")
  private Path out;

  @Option(
      names = "--pictures",
      description =
          "Add Java's readers of PNG and JPEG, for folders of pictures as data; about half as large"
              + " again.")
  private boolean pictures;

  @Option(
      names = "--cuda",
      description = {
        "Require what runs on NVIDIA GPUs. It is packed wherever it was built; the launcher builds",
        "it for this option if there is a CUDA toolkit (nvcc)."
      })
  private boolean cuda;

  @Override
  public Integer call() throws IOException {
    if (cuda && !Native.hasCudaLibrary()) {
      throw new IOException(
          "this build has no libkantor_cuda.so; install the CUDA toolkit (nvcc) and build it:"
              + " KANTOR_CUDA=ON KANTOR_CUDA_ARCHITECTURES=all ./kantor bundle --cuda");
    }
    String[] packer =
        PACKERS.stream()
            .filter(p -> out.toString().endsWith(p[0]))
            .findFirst()
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec.commandLine(),
                        "--out is " + out + "; expected FILE.tar.xz, FILE.tar.gz or FILE.tar"));
    Path work = Files.createTempDirectory("kantor-bundle");
    try {
      Path bundle = Files.createDirectory(work.resolve(NAME));
      link(bundle.resolve("runtime"));
      Native.copyLibraries(Files.createDirectory(bundle.resolve("native")));
      List<String> classPath = copyClassPath(Files.createDirectory(bundle.resolve("lib")));
      writeLauncher(bundle.resolve(NAME), classPath);
      requireRunning(bundle);
      pack(work, packer[1]);
    } finally {
      delete(work);
    }
    spec.commandLine().getOut().println(out);
    return Main.DONE;
  }

  /** Makes a Java run-time of the modules that are used. */
  private void link(Path runtime) throws IOException {
    ToolProvider jlink =
        ToolProvider.findFirst("jlink")
            .orElseThrow(
                () ->
                    new IOException(
                        "the Java that runs this has no jlink; run kantor by a full JDK:"
                            + " JAVA25_HOME names it"));
    ByteArrayOutputStream messages = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(messages, true, StandardCharsets.UTF_8);
    int status =
        jlink.run(
            stream,
            stream,
            "--add-modules",
            MODULES + (pictures ? PICTURE_MODULE : ""),
            "--strip-java-debug-attributes",
            "--no-header-files",
            "--no-man-pages",
            "--compress",
            "zip-0", // the archive packs it better
            "--output",
            runtime.toString());
    if (status != 0) {
      throw new IOException("jlink failed: " + messages.toString(StandardCharsets.UTF_8).strip());
    }
  }

  /** The jars and folders of classes that this program runs from, by their names in the bundle. */
  private static List<String> copyClassPath(Path lib) throws IOException {
    List<String> names = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path from = Path.of(entry).toAbsolutePath();
      if (!Files.exists(from)) {
        continue;
      }
      String name = from.getFileName().toString();
      while (names.contains(name)) {
        name = "_" + name;
      }
      names.add(name);
      copy(from, lib.resolve(name));
    }
    return names;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  private static void writeLauncher(Path launcher, List<String> classPath) throws IOException {
    String path = String.join(":", classPath.stream().map(name -> "$here/lib/" + name).toList());
    Files.writeString(
        launcher,
        """
        #!/bin/sh
        # Runs Kantor by the Java beside this; KANTOR_JAVA_OPTS goes to the JVM.
        here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd) || exit 1
        # shellcheck disable=SC2086 # KANTOR_JAVA_OPTS is a list of words.
        exec "$here/runtime/bin/java" --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC \\
          -XX:TieredStopAtLevel=1 "-D%s=$here/native" -cp "%s" \\
          ${KANTOR_JAVA_OPTS:-} dev.kantor.cli.Main "$@"
        """
            .formatted(Native.LIBRARY_PATH, path));
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** Nobody should carry a bundle to another machine to find out that it does not start. */
  private static void requireRunning(Path bundle) throws IOException {
    Process info =
        new ProcessBuilder(bundle.resolve(NAME).toString(), "info")
            .redirectErrorStream(true)
            .start();
    String said = read(info.getInputStream());
    if (await(info) != 0) {
      throw new IOException("the bundle does not run: " + said);
    }
  }

  private void pack(Path work, String packer) throws IOException {
    List<String> command = new ArrayList<>(List.of("tar", "-C", work.toString()));
    if (packer != null) {
      command.add("--use-compress-program=" + packer);
    }
    command.addAll(List.of("-cf", "-", "--owner=0", "--group=0", "--sort=name", NAME));
    Path messages = work.resolve("messages");
    AtomicFile.write(
        out,
        to -> {
          Process tar = new ProcessBuilder(command).redirectError(messages.toFile()).start();
          try (InputStream archive = tar.getInputStream()) {
            archive.transferTo(to);
          } finally {
            tar.destroy();
          }
          if (await(tar) != 0) {
            throw new IOException(
                "tar failed: "
                    + Files.readString(messages).strip()
                    + "; install tar and "
                    + (packer == null ? "try again" : packer.split(" ")[0])
                    + ", or give --out another ending");
          }
        });
  }

  private static String read(InputStream in) throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  private static int await(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroy();
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
