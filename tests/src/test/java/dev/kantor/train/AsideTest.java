package dev.kantor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class AsideTest {
  private final List<String> done = new ArrayList<>();

  @Test
  void withoutAThreadAllIsDoneAtOnce() throws IOException {
    Thread here = Thread.currentThread();
    try (Aside aside = new Aside(false)) {
      for (String name : List.of("a", "b")) {
        aside.runLatest(
            () -> {
              assertSame(here, Thread.currentThread());
              done.add(name);
            });
      }
      assertEquals(List.of("a", "b"), done);
      assertThrows(IOException.class, () -> aside.run(() -> fail("at once")));
    }
  }

  @Test
  void withAThreadItIsDoneInTurnAndOnceWhereOnceWillDo() throws IOException {
    Thread here = Thread.currentThread();
    CountDownLatch begin = new CountDownLatch(1);
    try (Aside aside = new Aside(true)) {
      aside.run(
          () -> {
            assertNotSame(here, Thread.currentThread());
            uninterrupted(begin);
          });
      aside.runLatest(() -> done.add("curves 1"));
      aside.run(() -> done.add("picture"));
      aside.runLatest(() -> done.add("curves 2"));
      assertEquals(List.of(), done);
      begin.countDown();
      aside.await();
      assertEquals(List.of("picture", "curves 2"), done);
      aside.runLatest(() -> done.add("curves 3"));
    }
    assertEquals(List.of("picture", "curves 2", "curves 3"), done, "closing waits");
  }

  @Test
  void whatFailsIsSaidOnceAndEndsIt() throws IOException {
    Aside aside = new Aside(true);
    CountDownLatch begin = new CountDownLatch(1);
    aside.run(
        () -> {
          uninterrupted(begin);
          fail("the disk is full");
        });
    aside.run(() -> done.add("after"));
    begin.countDown();
    IOException e = assertThrows(IOException.class, aside::await);
    assertEquals("the disk is full", e.getMessage());
    aside.run(() -> done.add("long after"));
    aside.close();
    assertEquals(List.of(), done);

    Aside closed = new Aside(true);
    closed.run(() -> fail("by then"));
    assertThrows(IOException.class, closed::close);

    Aside full = new Aside(true);
    full.run(
        () -> {
          throw new OutOfMemoryError("no room for a picture");
        });
    assertThrows(OutOfMemoryError.class, full::close, "an Error ends it too");
  }

  private static void fail(String why) throws IOException {
    throw new IOException(why);
  }

  private static void uninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
