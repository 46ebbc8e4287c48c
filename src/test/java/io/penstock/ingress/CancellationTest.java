package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.frame;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.net.NetSocket;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients that leave, in each state: the engine always hears of it. How soon is logged, not
 * asserted: a busy machine would break such a test.
 */
class CancellationTest {
  private static final Logger LOG = LoggerFactory.getLogger(CancellationTest.class);
  private static final int TIMES = 100;
  private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String STREAM = "{\"model\":\"river\",\"stream\":true," + MESSAGES;
  private static final String WHOLE = "{\"model\":\"river\"," + MESSAGES;

  private final Vertx vertx = Vertx.vertx();
  private final ScriptedEngine engine = new ScriptedEngine(vertx);

  @SuppressWarnings("NullAway.Init") // by each test
  private Gateway gateway;

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  private NetSocket send(String body) {
    NetSocket socket = vertx.createNetClient().connect(gateway.port, "127.0.0.1").await();
    socket.write(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n"
            + body);
    return socket;
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(100_000);
    }
  }

  /** Leaves {@link #TIMES} times and logs how long the engine took to notice. */
  private void leave(String state, String body, boolean afterTheFirstToken) {
    long[] nanos = new long[TIMES];
    for (int i = 0; i < TIMES; i++) {
      int seen = engine.requests.size();
      int closed = engine.closed.get();
      NetSocket client = send(body);
      CompletableFuture<Void> first = new CompletableFuture<>();
      client.handler(piece -> first.complete(null));
      await(() -> engine.requests.size() > seen);
      if (afterTheFirstToken) {
        first.orTimeout(60, TimeUnit.SECONDS).join();
      }
      long left = System.nanoTime();
      client.close();
      await(() -> engine.closed.get() > closed);
      nanos[i] = engine.lastClosedNanos.get() - left;
    }
    Arrays.sort(nanos);
    LOG.info(
        "{}: the engine noticed after p50 {} ms, p99 {} ms",
        state,
        nanos[TIMES / 2] / 1e6,
        nanos[TIMES * 99 / 100] / 1e6);
    await(() -> grants() == 0);
  }

  private double grants() {
    return gateway
        .metrics
        .scrape("")
        .body()
        .toString()
        .lines()
        .filter(line -> line.startsWith("penstock_grants{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void whileTheEngineWorks() {
    gateway = new Gateway(engine.url(), new Gateway.Setup());
    engine.answer((socket, request) -> {});
    leave("before the first token", STREAM, false);
    leave("not streaming", WHOLE, false);
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          long timer = vertx.setPeriodic(5, tick -> socket.write(chunk(frame("a"))));
          socket.endHandler(end -> vertx.cancelTimer(timer));
        });
    leave("streaming", STREAM, true);
  }

  /** With continuous usage the books are exact at whatever frame the client leaves. */
  @Test
  void theUsageOfAStreamThatIsLeftIsTheEnginesOwnCount() {
    gateway = new Gateway(engine.url(), new Gateway.Setup());
    int sent = 7;
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          for (int i = 1; i <= sent; i++) {
            socket.write(
                chunk(
                    frame("a")
                        .replace(
                            "}]}",
                            "}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":"
                                + 2 * i // two tokens a frame
                                + "}}")));
          }
        });
    StringBuilder read = new StringBuilder();
    NetSocket client = send(STREAM);
    client.handler(
        piece -> {
          synchronized (read) {
            read.append(piece);
          }
        });
    await(
        () -> {
          synchronized (read) {
            return read.toString().split("\"content\":\"a\"", -1).length > sent;
          }
        });
    assertThat(read.toString()).as("the client did not ask for usage").doesNotContain("usage");
    client.close();
    await(() -> gateway.accessLog().contains("\"outcome\":\"cancelled\""));
    assertThat(gateway.accessLog())
        .contains("\"prompt_tokens\":5,\"completion_tokens\":" + 2 * sent + ",");
    assertThat(gateway.metric("penstock_wasted_tokens_total", "streaming")).isEqualTo(2 * sent);
    assertThat(gateway.metric("penstock_tokens_total", "completion")).isEqualTo(2 * sent);
  }

  /** A listening socket that accepts nobody and whose backlog is full lets connections hang. */
  @Test
  void whileTheConnectionIsBeingMade() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<Socket> backlog = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Socket filler = new Socket();
        filler.connect(
            new InetSocketAddress(silent.getInetAddress(), silent.getLocalPort()), 30_000);
        backlog.add(filler);
      }
      gateway = new Gateway("http://127.0.0.1:" + silent.getLocalPort(), new Gateway.Setup());
      NetSocket client = send(STREAM);
      await(() -> grants() == 1);
      client.close();
      await(() -> grants() == 0);

      silent.setSoTimeout(2_500);
      int read = 0;
      try {
        while (true) {
          try (Socket accepted = silent.accept()) {
            accepted.setSoTimeout(500);
            InputStream in = accepted.getInputStream();
            if (backlog.isEmpty()) {
              read += Math.max(0, in.readNBytes(1).length);
            } else {
              backlog.remove(0).close();
            }
          }
        }
      } catch (SocketTimeoutException nobodyElseCame) {
        assertThat(read).as("bytes of a request that nobody waits for").isZero();
      }
    }
  }
}
