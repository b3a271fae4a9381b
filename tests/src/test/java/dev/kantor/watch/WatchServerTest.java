package dev.kantor.watch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.kantor.io.Png;
import dev.kantor.train.EvaluationLog;
import dev.kantor.train.Goal;
import dev.kantor.train.Manifest;
import dev.kantor.train.MetricsLog;
import dev.kantor.train.Row;
import dev.kantor.train.RunFolder;
import dev.kantor.train.Schedule;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WatchServerTest {
  @TempDir private Path folder;
  private RunFolder run;
  private WatchServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void start() throws IOException {
    run = new RunFolder(folder.resolve("run"));
    server = WatchServer.start(run, 0);
  }

  @AfterEach
  void stop() {
    client.shutdownNow();
    server.close();
  }

  private void make() throws IOException {
    RunFolder.create(run.path());
    run.write(
        new Manifest(
            Map.of("variant", "wgan", "clip", "0.05"),
            new Goal(Goal.Unit.EPOCHS, 2),
            new Schedule(1, 1, 3),
            Map.of("device", "cpu")));
  }

  private void log(long after, long upTo) throws IOException {
    try (MetricsLog log = new MetricsLog(run.path(), List.of("critic_loss"), after)) {
      for (long i = after + 1; i <= upTo; i++) {
        log.append(new Row(i, i / 10.0, i * 64, i / 2.0, List.of(-1.0 * i)));
      }
    }
  }

  private HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(server.address().resolve(path)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  /** The status line of a request that no client of good manners makes. */
  private String raw(String... lines) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
      socket
          .getOutputStream()
          .write((String.join("\r\n", lines) + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      return new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
          .readLine();
    }
  }

  /** A stream of events being read. */
  private final class Events implements AutoCloseable {
    private final Stream<String> stream;
    private final Iterator<String> lines;

    Events() throws IOException, InterruptedException {
      HttpResponse<Stream<String>> response =
          client.send(
              HttpRequest.newBuilder(server.address().resolve("/events")).build(),
              HttpResponse.BodyHandlers.ofLines());
      assertEquals(
          "text/event-stream", response.headers().firstValue("Content-Type").orElseThrow());
      stream = response.body();
      lines = stream.iterator();
    }

    /** The data of the next event of a name; those before it are passed over. */
    JsonElement next(String name) {
      while (true) {
        if (lines.next().equals("event: " + name)) {
          return JsonParser.parseString(lines.next().substring("data: ".length()));
        }
      }
    }

    /** Rows up to an iteration, in however many events they come. */
    JsonArray rowsUpTo(long iteration) {
      JsonArray rows = new JsonArray();
      while (rows.isEmpty()
          || rows.get(rows.size() - 1).getAsJsonObject().get("iteration").getAsLong() < iteration) {
        rows.addAll(next("rows").getAsJsonArray());
      }
      return rows;
    }

    boolean hasEnded() {
      while (lines.hasNext()) {
        if (lines.next().startsWith("event")) {
          return false;
        }
      }
      return true;
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  @Test
  void servesThePageWhichNeedsNothingFromElsewhere() throws IOException, InterruptedException {
    assertTrue(server.address().toString().matches("http://127\\.0\\.0\\.1:\\d+/"));
    HttpResponse<byte[]> page = get("/");
    assertEquals(200, page.statusCode());
    String html = new String(page.body(), StandardCharsets.UTF_8);
    assertTrue(html.startsWith("<!doctype html>") && html.contains("new EventSource('events')"));
    assertFalse(html.replace("http://www.w3.org/2000/svg", "").contains("//www."), html);
    assertFalse(html.contains("src=\"http") || html.contains("https:"), html);
    assertTrue(
        page.headers()
            .firstValue("Content-Security-Policy")
            .orElseThrow()
            .startsWith("default-src 'none'"));
  }

  @Test
  void tellsOfARunFromBeforeItsFirstFileToItsEnd() throws IOException, InterruptedException {
    try (Events events = new Events()) {
      events.next("restart");
      make();
      JsonObject told = events.next("run").getAsJsonObject();
      assertEquals("run", told.get("name").getAsString());
      assertEquals("0.05", told.getAsJsonObject("configuration").get("clip").getAsString());
      assertEquals(2, told.getAsJsonObject("goal").get("amount").getAsInt());
      assertTrue(told.getAsJsonArray("panels").size() > 1);
      assertEquals("training", name(events.next("state")));

      log(0, 12);
      assertEquals(12, events.rowsUpTo(12).size());
      log(12, 13);
      JsonObject later = events.rowsUpTo(13).get(0).getAsJsonObject();
      assertEquals(13, later.get("iteration").getAsLong());
      assertEquals(-13, later.get("critic_loss").getAsDouble());

      Png.write(run.samples().resolve("epoch-0001.png"), new byte[4], 2, 2, 1);
      JsonArray pictures = events.next("pictures").getAsJsonArray();
      assertEquals(1, pictures.size());
      assertEquals("epoch-0001.png", pictures.get(0).getAsJsonObject().get("name").getAsString());

      log(8, 9);
      events.next("restart");
      assertEquals(9, events.rowsUpTo(9).size());

      log(9, 20);
      events.rowsUpTo(20);
      Files.writeString(run.checkpoint(20), "");
      assertEquals("done", name(events.next("state")));

      log(20, 21);
      server.close();
      assertEquals(1, events.rowsUpTo(21).size());
      events.next("end");
      assertTrue(events.hasEnded());
    }
    assertThrows(IOException.class, () -> get("/"));
  }

  private void evaluate(long... iterations) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (long i : iterations) {
      lines
          .append("{\"iteration\":" + i + ",\"epoch\":0.5,\"samples\":1,\"seconds\":1,")
          .append(i == 20 ? "\"alarm\":\"mode collapse\"," : "")
          .append("\"evaluation\":{\"count\":9,\"fd-judge\":{\"value\":" + (100 - i) + "},")
          .append("\"kl-from-uniform\":{\"value\":null},\"histogram\":[3,4],\"none\":2}}\n");
    }
    Files.writeString(EvaluationLog.file(run.path()), lines);
  }

  @Test
  void tellsOfEvaluationsAndOfThoseThatAreVoid() throws IOException, InterruptedException {
    make();
    try (Events events = new Events()) {
      JsonObject told = events.next("run").getAsJsonObject();
      assertTrue(told.getAsJsonArray("evaluationPanels").toString().contains("fd-judge"));
      evaluate(10, 20);
      JsonArray both = events.next("evaluations").getAsJsonArray();
      assertEquals(2, both.size());
      assertEquals(
          JsonParser.parseString(
              "{iteration:20,epoch:0.5,samples:1,seconds:1,alarm:'mode collapse',count:9,"
                  + "'fd-judge':80,'kl-from-uniform':null,histogram:[3,4],none:2}"),
          both.get(1));
      assertFalse(both.get(0).getAsJsonObject().has("alarm"));
      evaluate(10);
      events.next("evaluations-restart");
      assertEquals(1, events.next("evaluations").getAsJsonArray().size());
    }
  }

  private static String name(JsonElement state) {
    return state.getAsJsonObject().get("name").getAsString();
  }

  @Test
  void saysWhenNothingCameForLong() throws IOException, InterruptedException {
    make();
    log(0, 3);
    FileTime then = FileTime.fromMillis(System.currentTimeMillis() - 3_600_000);
    try (Stream<Path> files = Files.walk(run.path())) {
      for (Path f : files.toList()) {
        Files.setLastModifiedTime(f, then);
      }
    }
    try (Events events = new Events()) {
      JsonObject state = events.next("state").getAsJsonObject();
      assertEquals("quiet", state.get("name").getAsString());
      assertEquals(then.toMillis(), state.get("since").getAsLong());
    }
  }

  @Test
  void ordersPicturesByTheirEpochs() throws IOException {
    make();
    for (String name : List.of("epoch-10000", "iteration-00000060", "epoch-9999", "epoch-0002")) {
      Files.writeString(run.samples().resolve(name + ".png"), "");
    }
    Files.writeString(run.samples().resolve(".epoch-0003.png.1-2.tmp"), "");
    List<String> names =
        new Feed(run)
            .poll().stream()
                .filter(e -> e.name().equals("pictures"))
                .flatMap(e -> e.data().getAsJsonArray().asList().stream())
                .map(e -> e.getAsJsonObject().get("name").getAsString())
                .toList();
    assertEquals(
        List.of("epoch-0002.png", "epoch-9999.png", "epoch-10000.png", "iteration-00000060.png"),
        names);
  }

  @Test
  void givesPictures() throws IOException, InterruptedException {
    make();
    Path file = run.samples().resolve("epoch-0000.png");
    Png.write(file, new byte[6 * 4], 6, 4, 1);
    HttpResponse<byte[]> picture = get("/samples/epoch-0000.png?1");
    assertEquals(200, picture.statusCode());
    assertEquals("image/png", picture.headers().firstValue("Content-Type").orElseThrow());
    assertArrayEquals(Files.readAllBytes(file), picture.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/favicon.ico",
        "/events/",
        "/manifest.json",
        "/samples/",
        "/samples/epoch-0001.png",
        "/samples/../manifest.json",
        "/samples/..%2fmanifest.json",
        "/samples/%2e%2e/secret.png",
        "/samples/..%2fsecret.png",
        "/samples//etc/passwd",
        "/samples/link.png",
        "/samples/%00.png",
        "//samples/epoch-0000.png",
      })
  void hasNothingElse(String path) throws IOException {
    make();
    Files.writeString(run.path().resolve("secret.png"), "secret");
    Files.createSymbolicLink(run.samples().resolve("link.png"), run.path().resolve("secret.png"));
    String status = raw("GET " + path + " HTTP/1.1", "Host: localhost");
    assertEquals("HTTP/1.1 404 Not Found", status);
  }

  @ParameterizedTest
  @CsvSource({
    "Host: localhost, 200",
    "Host: LocalHost:8080, 200",
    "Host: 127.0.0.1:1, 200",
    "Host: [::1]:8080, 200",
    "Host: evil.example, 403",
    "Host: evil.example:80, 403",
    "Host: localhost.evil.example, 403",
    "Host: 127.0.0.1.evil.example, 403",
    "Host: 10.0.0.1, 403",
    "Host:, 403",
    "X: y, 403",
  })
  void answersThisMachineAlone(String header, int status) throws IOException {
    for (String path : List.of("/", "/events")) {
      String line = raw("GET " + path + " HTTP/1.1", header);
      assertTrue(line.startsWith("HTTP/1.1 " + status), line);
    }
  }

  @Test
  void refusesTwoHostsAndWhateverIsNotReading() throws IOException {
    assertTrue(raw("GET / HTTP/1.1", "Host: localhost", "Host: evil").startsWith("HTTP/1.1 403"));
    for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS")) {
      assertTrue(raw(method + " / HTTP/1.1", "Host: localhost").startsWith("HTTP/1.1 405"), method);
    }
    assertTrue(raw("GET http://[ HTTP/1.1", "Host: localhost").startsWith("HTTP/1.1 400"));
  }

  @Test
  void namesAPortThatIsTakenOrNone() {
    int taken = server.address().getPort();
    String message =
        assertThrows(IOException.class, () -> WatchServer.start(run, taken)).getMessage();
    assertTrue(message.contains(Integer.toString(taken)) && message.contains("--port"), message);
    assertThrows(IllegalArgumentException.class, () -> WatchServer.start(run, 65_536));
  }

  @Test
  void endsWithPagesOpen() throws IOException, InterruptedException {
    make();
    try (Events one = new Events();
        Events two = new Events()) {
      one.next("run");
      two.next("run");
      long start = System.nanoTime();
      server.close();
      assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20));
      one.next("end");
      two.next("end");
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
