package dev.kantor.watch;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kantor.train.RunFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Serves the live page of one run to this machine alone: {@code /} is the page, {@code /events} the
 * stream of server-sent events that fills it, {@code /samples/NAME.png} a picture. It listens on
 * the loopback address, and answers only requests that name this machine in their {@code Host}, so
 * that no page of the web can make a browser read it under a name of its own (DNS rebinding). It
 * reads the run's folder and changes nothing there; its threads keep no process alive.
 */
public final class WatchServer implements AutoCloseable {
  private static final long POLL_MILLIS = 500;
  private static final int LARGEST_PORT = 65_535;

  /** After so many polls without news a comment tells whether the page is still there. */
  private static final int POLLS_BETWEEN_SIGNS_OF_LIFE = 20;

  private static final long SECONDS_TO_END = 2;

  private static final Pattern THIS_MACHINE =
      Pattern.compile(
          "(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d{1,5})?", Pattern.CASE_INSENSITIVE);
  private static final String SAMPLES = "/samples/";

  /** The page needs nothing from elsewhere, and nothing that it shows may fetch anything. */
  private static final String POLICY =
      "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'unsafe-inline';"
          + " script-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
          + " frame-ancestors 'none'";

  private final RunFolder run;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch closing = new CountDownLatch(1);

  private WatchServer(RunFolder run, HttpServer server) {
    this.run = run;
    this.server = server;
  }

  /**
   * Starts to serve.
   *
   * @param port where to listen, 0 for any that is free
   * @throws IllegalArgumentException if there is no such port
   * @throws IOException if the port is taken
   */
  public static WatchServer start(RunFolder run, int port) throws IOException {
    if (port < 0 || port > LARGEST_PORT) {
      throw new IllegalArgumentException(
          "port is " + port + "; expected 0 (any that is free) to " + LARGEST_PORT);
    }
    HttpServer http;
    try {
      http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (BindException e) {
      throw new IOException(
          "cannot listen on port " + port + ": " + e.getMessage() + "; choose another with --port",
          e);
    }
    WatchServer watch = new WatchServer(run, http);
    http.setExecutor(watch.threads);
    http.createContext("/", watch::answer);
    // The dispatcher is a daemon if the thread that starts it is one.
    Thread starter = Thread.ofPlatform().daemon().name("watch").start(http::start);
    try {
      starter.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return watch;
  }

  /** Where a browser finds the page. */
  public URI address() {
    InetSocketAddress at = server.getAddress();
    return URI.create("http://" + at.getAddress().getHostAddress() + ":" + at.getPort() + "/");
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
      exchange.getResponseHeaders().set("Cross-Origin-Resource-Policy", "same-origin");
      exchange.getResponseHeaders().set("Referrer-Policy", "no-referrer");
      List<String> hosts = exchange.getRequestHeaders().getOrDefault("Host", List.of());
      String path = exchange.getRequestURI().getPath();
      if (hosts.size() != 1 || !THIS_MACHINE.matcher(hosts.getFirst()).matches()) {
        refuse(exchange, 403, "This page is for the browser of the machine that it runs on.");
      } else if (!exchange.getRequestMethod().equals("GET")) {
        exchange.getResponseHeaders().set("Allow", "GET");
        refuse(exchange, 405, "There is nothing here but to read.");
      } else if ("/".equals(path)) {
        page(exchange);
      } else if ("/events".equals(path)) {
        events(exchange);
      } else if (path != null && path.startsWith(SAMPLES)) {
        picture(exchange, path.substring(SAMPLES.length()));
      } else {
        refuse(exchange, 404, "There is no such page.");
      }
    }
  }

  private static void refuse(HttpExchange exchange, int status, String why) throws IOException {
    send(exchange, status, "text/plain; charset=utf-8", why.getBytes(StandardCharsets.UTF_8));
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private static void page(HttpExchange exchange) throws IOException {
    byte[] html;
    try (InputStream in = WatchServer.class.getResourceAsStream("page.html")) {
      html = in.readAllBytes();
    }
    exchange.getResponseHeaders().set("Content-Security-Policy", POLICY);
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    send(exchange, 200, "text/html; charset=utf-8", html);
  }

  private void picture(HttpExchange exchange, String name) throws IOException {
    Path file = Feed.PICTURE.matcher(name).matches() ? run.samples().resolve(name) : null;
    if (file == null || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      refuse(exchange, 404, "There is no such picture.");
      return;
    }
    // The page asks for each picture by its time too, so a new one has a new address.
    exchange.getResponseHeaders().set("Cache-Control", "private, max-age=3600");
    send(exchange, 200, "image/png", Files.readAllBytes(file));
  }

  private void events(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    // A page that lost the stream comes back with a new one, and is told all again.
    write(out, "retry: 2000\nevent: restart\ndata: {}\n\nevent: evaluations-restart\ndata: {}\n\n");
    Feed feed = new Feed(run);
    int quiet = 0;
    boolean isLast = false;
    while (true) {
      List<Feed.Event> news = feed.poll();
      for (Feed.Event e : news) {
        write(out, "event: " + e.name() + "\ndata: " + e.data() + "\n\n");
      }
      quiet = news.isEmpty() ? quiet + 1 : 0;
      if (news.isEmpty() && isLast) {
        write(out, "event: end\ndata: {}\n\n");
        return;
      }
      if (quiet == POLLS_BETWEEN_SIGNS_OF_LIFE) {
        write(out, ":\n\n");
        quiet = 0;
      }
      try {
        // What came before the end is still told.
        isLast = closing.await(news.isEmpty() ? POLL_MILLIS : 0, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  /** Tells the pages what is left to tell, and ends. */
  @Override
  public void close() {
    closing.countDown();
    threads.shutdown();
    try {
      if (!threads.awaitTermination(SECONDS_TO_END, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.stop(0);
  }
}
