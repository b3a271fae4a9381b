package dev.kantor.gan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kantor.nativelib.Native;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole iterations on the emulated CUDA device, under its checker, as the CPU computes them. */
class EmulatedDeviceTest {
  @Test
  void iterationsOfEveryVariantAgreeWithTheCpu(@TempDir Path folder) throws Exception {
    Path library = Path.of(System.getProperty("kantor.emulated", "libkantor_emulated.so"));
    assumeTrue(
        Files.exists(library), "there is no " + library + ": the native tests were not built");
    Native.copyLibraries(folder);
    Files.copy(library, folder.resolve("libkantor.so"), StandardCopyOption.REPLACE_EXISTING);
    Path output = folder.resolve("output");
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-D" + Native.LIBRARY_PATH + "=" + folder,
                "-cp",
                System.getProperty("java.class.path"),
                EmulatedIterations.class.getName()));
    Variant.names().forEach(v -> command.add("fp32 " + v));
    command.add("fp32 wgan-gp critic-norm=layer-norm");
    command.add("fp32 dcgan diff-augment=color,translation,cutout");
    // Smooth, so that what rounding changes stays small: no element lies at a kink.
    String smooth = " wgan-gp critic-activation=tanh generator-activation=tanh";
    command.add("tf32" + smooth);
    command.add("bf16" + smooth);
    command.add("bf16 cvae-gan");
    command.add("fp32+cudnn wgan-gp");
    command.add("fp32+cudnn wdcgan-gp");
    command.add("tf32+cudnn" + smooth);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Path doubles = library.resolveSibling("libraries"); // of cuDNN and cuBLAS
    builder.environment().put("KANTOR_CUDA_LIBRARY_PATH", doubles.toString());
    Process process = builder.redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(8, TimeUnit.MINUTES);
    process.destroyForcibly();
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertTrue(ended, text);
    assertEquals(0, process.waitFor(), text);
  }
}
