package dev.kantor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.kantor.data.IdxSource.Over;
import dev.kantor.data.IdxSource.Part;
import dev.kantor.io.FormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mirror of its own on this machine, honest or not. */
class DownloadTest {
  @TempDir private Path folder;

  private final ByteArrayOutputStream messages = new ByteArrayOutputStream();
  private final Map<String, Integer> requests = new ConcurrentHashMap<>();
  private final List<Part> parts = new ArrayList<>();
  private Path origin;
  private HttpServer server;

  @BeforeEach
  void start(@TempDir Path origin) throws Exception {
    DataSetsTest.writeIdx(origin, 3, new int[] {2, 0, 1}, 2, new int[] {1, 2});
    this.origin = origin;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    for (String base :
        List.of("/good/", "/cut/", "/long/", "/noise/", "/sum/", "/shape/", "/tail/")) {
      serve(base);
    }
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void whatTheMirrorHasIsUnpackedCheckedAndRead() throws IOException {
    ImageSet set = (ImageSet) sets("/good/").find("mnist", options());
    assertEquals(
        List.of(3, 3, 2), List.of(set.count(), set.classes(), set.test().orElseThrow().count()));
    assertEquals(
        List.of(
            IdxFolder.TEST_IMAGES,
            IdxFolder.TEST_LABELS,
            IdxFolder.TRAIN_IMAGES,
            IdxFolder.TRAIN_LABELS),
        files());
    assertTrue(
        messages.toString(StandardCharsets.UTF_8).contains("mnist/train-images-idx3-ubyte"),
        "no progress is shown");
    requests.clear();
    sets("/good/").find("mnist", options());
    assertEquals(Map.of(), requests, "what is there is not downloaded again");
  }

  @Test
  void onlyWhatIsMissingIsFetched() throws IOException {
    sets("/good/").find("mnist", options());
    Files.delete(folder.resolve("mnist").resolve(IdxFolder.TRAIN_LABELS));
    requests.clear();
    sets("/good/").find("mnist", options());
    assertEquals(Map.of("/good/train-labels-idx1-ubyte.gz", 1), requests);
  }

  @Test
  void theNextMirrorIsTriedWhenOneFails() throws IOException {
    sets("/absent/", "/cut/", "/sum/", "/good/").find("mnist", options());
    assertEquals(4, files().size());
  }

  @Test
  void everyKindOfFailureIsNamedAndLeavesNoFile() throws IOException {
    Map<String, String> expected =
        Map.of(
            "/absent/", "HTTP status 404",
            "/cut/", "the mirror's answer ended early",
            "/long/", "the mirror's file is longer than expected",
            "/noise/", "is not a sound gzip file",
            "/sum/", "wrong checksum: SHA-256 is",
            "/shape/", "is not the expected IDX file",
            "/tail/", "the mirror's file");
    for (Map.Entry<String, String> e : expected.entrySet()) {
      DownloadException failure =
          assertThrows(DownloadException.class, () -> sets(e.getKey()).find("mnist", options()));
      assertTrue(failure.getMessage().contains(e.getValue()), failure.getMessage());
      assertTrue(
          failure.getMessage().contains("--data-dir")
              && failure.getMessage().contains("--data glyphs"),
          failure.getMessage());
      assertEquals(List.of(), files());
    }
  }

  @Test
  void aDeadMirrorAndAnUnknownHostSaySo() throws IOException {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    IdxSource dead =
        new IdxSource(
            "mnist",
            List.of(
                URI.create("http://127.0.0.1:" + closed + "/"),
                URI.create("http://mirror.invalid/")),
            parts);
    DownloadException e =
        assertThrows(
            DownloadException.class,
            () -> new DataSets(dead, dead).find("fashion-mnist", options()));
    assertTrue(
        e.getMessage().contains("Connection refused")
            && e.getMessage().contains("the host is unknown"),
        e.getMessage());
  }

  @Test
  void autoFallsBackToGlyphsLoudly() throws IOException {
    assertEquals("mnist", sets("/good/").find("auto", options()).name());
    assertTrue(!messages.toString(StandardCharsets.UTF_8).contains("NOTICE"));
    ImageSet set =
        (ImageSet)
            sets("/absent/")
                .find("auto", options().withDataDir(folder.resolve("other")).withCount(30));
    assertEquals(List.of("glyphs", 30), List.of(set.name(), set.count()));
    assertTrue(
        messages.toString(StandardCharsets.UTF_8).contains("NOTICE: MNIST is not to be had"));
  }

  @Test
  void aDamagedLocalFileIsAnErrorEvenForAuto() throws IOException {
    sets("/good/").find("mnist", options());
    Files.write(
        folder.resolve("mnist").resolve(IdxFolder.TRAIN_IMAGES), new byte[] {0, 0, 8, 3, 0});
    assertThrows(FormatException.class, () -> sets("/good/").find("auto", options()));
  }

  @Test
  void aSumOverThePackedFileIsCheckedToo() throws Exception {
    byte[] packed = gzip(Files.readAllBytes(origin.resolve(IdxFolder.TRAIN_LABELS)));
    Part right =
        new Part(IdxFolder.TRAIN_LABELS, new long[] {3}, "MD5", Over.PACKED, sum("MD5", packed));
    new IdxSource("fashion-mnist", List.of(address("/good/")), List.of(right))
        .fetch(folder.resolve("mnist"), stream());
    assertEquals(List.of(IdxFolder.TRAIN_LABELS), files());
    Part wrong = new Part(IdxFolder.TRAIN_LABELS, new long[] {3}, "MD5", Over.PACKED, "00");
    assertThrows(
        DownloadException.class,
        () ->
            new IdxSource("x", List.of(address("/good/")), List.of(wrong))
                .fetch(folder.resolve("else"), stream()));
  }

  @Test
  void thePublishedSetsHaveFourFilesEachAndChecksumsOfTheRightLength() {
    for (IdxSource source : List.of(IdxSource.MNIST, IdxSource.FASHION_MNIST)) {
      assertEquals(4, source.parts().stream().map(Part::checksum).distinct().count());
      for (Part part : source.parts()) {
        assertTrue(
            part.checksum()
                .matches(part.algorithm().equals("MD5") ? "[0-9a-f]{32}" : "[0-9a-f]{64}"));
      }
      assertTrue(source.mirrors().stream().allMatch(mirror -> mirror.getPath().endsWith("/")));
    }
  }

  private void serve(String base) throws Exception {
    for (String name :
        List.of(
            IdxFolder.TRAIN_IMAGES,
            IdxFolder.TRAIN_LABELS,
            IdxFolder.TEST_IMAGES,
            IdxFolder.TEST_LABELS)) {
      byte[] plain = Files.readAllBytes(origin.resolve(name));
      byte[] packed =
          switch (base) {
            case "/cut/" -> Arrays.copyOf(gzip(plain), gzip(plain).length - 9);
            case "/long/" -> gzip(Arrays.copyOf(plain, plain.length + 1));
            case "/noise/" -> new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
            case "/sum/" -> gzip(changed(plain, plain.length - 1));
            case "/shape/" -> gzip(changed(plain, 7));
            case "/tail/" -> Arrays.copyOf(gzip(plain), 200_000);
            default -> gzip(plain);
          };
      if (base.equals("/good/")) {
        long[] dims =
            name.contains("idx1")
                ? new long[] {plain.length - 8}
                : new long[] {(plain.length - 16) / 4, 2, 2};
        parts.add(new Part(name, dims, "SHA-256", Over.UNPACKED, sum("SHA-256", plain)));
      }
      server.createContext(
          base + name + ".gz",
          exchange -> {
            requests.merge(exchange.getRequestURI().getPath(), 1, Integer::sum);
            exchange.sendResponseHeaders(200, packed.length);
            exchange.getResponseBody().write(packed);
            exchange.close();
          });
    }
  }

  private DataSets sets(String... bases) {
    IdxSource source = new IdxSource("mnist", Stream.of(bases).map(this::address).toList(), parts);
    return new DataSets(source, source);
  }

  private URI address(String base) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + base);
  }

  private DataSets.Options options() {
    return DataSets.Options.defaults().withDataDir(folder).withMessages(stream());
  }

  private PrintStream stream() {
    return new PrintStream(messages, true, StandardCharsets.UTF_8);
  }

  private List<String> files() throws IOException {
    Path inside = folder.resolve("mnist");
    if (Files.notExists(inside)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(inside)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static byte[] changed(byte[] bytes, int at) {
    byte[] copy = bytes.clone();
    copy[at] ^= 1;
    return copy;
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private static String sum(String algorithm, byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
  }
}
