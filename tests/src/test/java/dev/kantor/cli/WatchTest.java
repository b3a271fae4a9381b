package dev.kantor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchTest {
  private static final Pattern ADDRESS =
      Pattern.compile("live page: (http://127\\.0\\.0\\.1:\\d+/)");
  private static final long PATIENCE_SECONDS = 120;

  @TempDir private Path folder;

  @Test
  void pageAndEventFilesChangeNoBit() throws IOException {
    Path plain = folder.resolve("plain");
    Path shown = folder.resolve("shown");
    Kantor.train(plain, "--epochs", 3).expect(0);
    Kantor.Result first = Kantor.train(shown, "--epochs", 1, "--watch", "--tensorboard").expect(0);
    assertTrue(ADDRESS.matcher(first.err()).find(), first.err());
    Kantor.run("resume", shown, "--epochs", 3, "--tensorboard", "--watch")
        .expect(0)
        .says("live page: ");
    Kantor.assertSameRun(plain, shown);
    assertArrayEquals(
        Files.readAllBytes(plain.resolve("samples/epoch-0003.png")),
        Files.readAllBytes(shown.resolve("samples/epoch-0003.png")));
    assertFalse(Files.exists(plain.resolve("tensorboard")));
    try (Stream<Path> files = Files.list(shown.resolve("tensorboard")).sorted()) {
      List<Path> all = files.toList();
      assertEquals(2, all.size());
      // version, 10 rows, the pictures of epochs 0 and 1; then version, restart, 20 rows, 2
      // pictures
      assertEquals(1 + 10 + 2, records(all.getFirst()));
      assertEquals(1 + 1 + 20 + 2, records(all.getLast()));
      String text = Files.readString(all.getFirst(), StandardCharsets.ISO_8859_1);
      for (String tag : List.of("epoch", "critic_loss", "generator_gradient_norm", "samples")) {
        assertTrue(text.contains(tag), tag);
      }
    }
  }

  private static int records(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int count = 0;
    for (; in.hasRemaining(); count++) {
      in.position(Math.toIntExact(in.position() + 16 + in.getLong(in.position())));
    }
    return count;
  }

  @Test
  void aTakenPortIsNoticedBeforeThereIsAFolder() throws IOException {
    Path run = folder.resolve("run");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Kantor.train(run, "--epochs", 1, "--watch", "--port", taken.getLocalPort())
          .expect(1)
          .says("cannot listen on port " + taken.getLocalPort(), "--port");
    }
    assertFalse(Files.exists(run));
  }

  @Test
  void showsARunUntilCtrlC() throws IOException, InterruptedException {
    Path run = folder.resolve("run");
    Path log = folder.resolve("log");
    Kantor.train(run, "--epochs", 1).expect(0);
    Process process = Kantor.fork(log, "watch", run);
    try {
      URI address = address(process, log);
      HttpResponse<String> page;
      try (HttpClient client = HttpClient.newHttpClient()) {
        page =
            client.send(
                HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
      }
      assertEquals(200, page.statusCode());
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertEquals(0, Kantor.await(process), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
  }

  private static URI address(Process process, Path log) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (true) {
      String text = Files.readString(log);
      Matcher m = ADDRESS.matcher(text);
      // The last line says that Ctrl-C is attended to.
      if (m.find() && text.contains("Ctrl-C ends it")) {
        return URI.create(m.group(1));
      }
      assertTrue(process.isAlive() && System.nanoTime() < deadline, text);
      Thread.sleep(20);
    }
  }
}
