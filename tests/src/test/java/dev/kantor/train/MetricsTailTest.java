package dev.kantor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kantor.io.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTailTest {
  @TempDir private Path folder;
  private MetricsTail tail;

  @BeforeEach
  void begin() {
    tail = MetricsTail.ofMetrics(folder);
  }

  private static Row row(long iteration, double value) {
    return new Row(iteration, iteration / 10.0, iteration * 64, iteration / 2.0, List.of(value));
  }

  private void log(long after, long upTo) throws IOException {
    try (MetricsLog log = new MetricsLog(folder, List.of("x"), after)) {
      for (long i = after + 1; i <= upTo; i++) {
        log.append(row(i, i == 2 ? Double.NaN : i));
      }
    }
  }

  private List<Long> iterations() throws IOException {
    List<Long> all = new ArrayList<>();
    for (MetricsTail.News n = tail.poll(); !n.isEmpty(); n = tail.poll()) {
      if (n.isRestart()) {
        all.clear();
      }
      n.rows().forEach(r -> all.add(r.get("iteration").getAsLong()));
    }
    return all;
  }

  @Test
  void givesRowsOnceAsTheyCome() throws IOException {
    assertTrue(tail.poll().isEmpty());
    log(0, 2);
    MetricsTail.News news = tail.poll();
    assertFalse(news.isRestart());
    assertEquals(2, news.rows().size());
    assertEquals(64, news.rows().getFirst().get("samples").getAsLong());
    assertTrue(news.rows().getLast().get("x").isJsonNull());
    assertTrue(tail.poll().isEmpty());
    log(2, 3);
    assertEquals(List.of(3L), iterations());
  }

  @Test
  void waitsForTheEndOfALineAndPassesOverDamage() throws IOException {
    log(0, 1);
    assertEquals(List.of(1L), iterations());
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"iteration\": 2, \"x", StandardOpenOption.APPEND);
    assertTrue(tail.poll().isEmpty());
    Files.writeString(file, "\": 7}\n{\"itera\n[]\n", StandardOpenOption.APPEND);
    Files.writeString(file, "{\"iteration\": 3}\n", StandardOpenOption.APPEND);
    assertEquals(List.of(2L, 3L), iterations());
  }

  @Test
  void theTableLeavesOutARowThatIsBeingWritten() throws IOException {
    log(0, 2);
    Files.writeString(folder.resolve("metrics.csv"), "3,0.3,19", StandardOpenOption.APPEND);
    assertEquals(2, MetricsLog.read(folder).rows().size());
    Files.writeString(folder.resolve("metrics.csv"), "2,1.5,3\n", StandardOpenOption.APPEND);
    assertEquals(192, MetricsLog.read(folder).column("samples")[2]);
  }

  @Test
  void startsAgainWhenOthersTakeTheirPlace() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"iteration\": 1, \"x\": 7}\n");
    assertEquals(List.of(1L), iterations());
    String asLong = "{\"iteration\": 1, \"x\": 8}\n";
    AtomicFile.write(file, out -> out.write(asLong.getBytes(StandardCharsets.UTF_8)));
    MetricsTail.News news = tail.poll();
    assertTrue(news.isRestart());
    assertEquals(8, news.rows().getFirst().get("x").getAsInt());
    assertTrue(tail.poll().isEmpty());
  }

  @Test
  void startsAgainWhenRowsAreCutOff() throws IOException {
    log(0, 9);
    assertEquals(9, iterations().size());
    log(4, 5);
    MetricsTail.News news = tail.poll();
    assertTrue(news.isRestart());
    assertEquals(5, news.rows().size());
    // Cut and longer than before at the next look: where the reader was there is no line's end.
    log(2, 2);
    Files.writeString(
        folder.resolve("metrics.jsonl"),
        "{\"iteration\": 3, \"x\": " + "1".repeat(1000) + "}\n",
        StandardOpenOption.APPEND);
    assertEquals(List.of(1L, 2L, 3L), iterations());
    Files.delete(folder.resolve("metrics.jsonl"));
    assertTrue(tail.poll().isRestart());
    assertTrue(tail.poll().isEmpty());
  }

  @Test
  void readsLongRunsInParts() throws IOException {
    long count = 30_000;
    log(0, count);
    assertTrue(tail.poll().rows().size() < count);
    assertEquals(count, iterations().getLast());
  }
}
