package io.penstock.ingress;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.internal.buffer.BufferInternal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Bodies over a real socket, in pieces as they fall. */
class BodyIntakeTest {
  private static final int MOST = 1_500_000;

  /** Whether the server gets the pieces as they are, or views of them where they stay. */
  private enum Way {
    USUAL,
    TAPPED
  }

  private static final Map<Way, HttpServer> ECHOES = new EnumMap<>(Way.class);

  private static Vertx vertx;

  @BeforeAll
  static void start() throws Exception {
    vertx = Vertx.vertx();
    ECHOES.put(Way.USUAL, listen(vertx.createHttpServer(), BodyIntakeTest::echo));
    ECHOES.put(
        Way.TAPPED,
        listen(
            vertx.createHttpServer().connectionHandler(IntakeTap::install), BodyIntakeTest::echo));
  }

  private static int port(Way way) {
    return requireNonNull(ECHOES.get(way)).actualPort();
  }

  private static HttpServer listen(HttpServer server, Handler<HttpServerRequest> handler)
      throws Exception {
    return server
        .requestHandler(handler)
        .listen(0, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  /** Answers with the body; headers have it read, or answered, milliseconds later, or refused. */
  private static void echo(HttpServerRequest request) {
    BodyIntake intake = new BodyIntake(request, MOST);
    HttpServerResponse response = request.response();
    if (request.getHeader("refuse") != null) {
      intake.drop();
      response.end("no");
      return;
    }
    Runnable answer =
        () ->
            after(
                request.getHeader("answer-after"),
                () -> response.end(Buffer.buffer(intake.bytes())));
    request.pause();
    after(
        request.getHeader("read-after"),
        () -> {
          request.resume();
          intake.read(() -> response.setStatusCode(413).end(intake.tooLarge()), answer);
        });
  }

  private static void after(@Nullable String millis, Runnable then) {
    if (millis == null) {
      then.run();
    } else {
      vertx.setTimer(Long.parseLong(millis), due -> then.run());
    }
  }

  @AfterAll
  static void stop() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static String ask(int port, String header, byte[] body, boolean chunked, long seed)
      throws IOException {
    Random random = new Random(seed);
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(60_000);
      OutputStream out = socket.getOutputStream();
      String framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length;
      String head =
          "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + framing + "\r\n\r\n";
      out.write(head.getBytes(US_ASCII));
      int at = 0;
      while (at < body.length) {
        int piece = Math.min(body.length - at, 1 + random.nextInt(1 + body.length / 3));
        if (chunked) {
          out.write((Integer.toHexString(piece) + "\r\n").getBytes(US_ASCII));
        }
        out.write(body, at, piece);
        if (chunked) {
          out.write("\r\n".getBytes(US_ASCII));
        }
        out.flush();
        at += piece;
      }
      if (chunked) {
        out.write("0\r\n\r\n".getBytes(US_ASCII));
      }
      return everything(socket);
    }
  }

  private static Stream<Arguments> bodies() {
    return Stream.of(Way.values())
        .flatMap(
            way ->
                Stream.of("", "read-after: 50\r\n")
                    .flatMap(
                        header ->
                            IntStream.of(0, 1, 2_000, 70_000, 300_000, MOST)
                                .boxed()
                                .flatMap(
                                    length ->
                                        Stream.of(false, true)
                                            .map(
                                                chunked ->
                                                    arguments(way, header, length, chunked)))));
  }

  @ParameterizedTest
  @MethodSource("bodies")
  void everyByteArrivesInItsPlace(Way way, String header, int length, boolean chunked)
      throws IOException {
    Random random = new Random(length);
    byte[] body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = (byte) ('a' + random.nextInt(26));
    }
    String answer = ask(port(way), header, body, chunked, length + 1);
    assertThat(answer).startsWith("HTTP/1.1 200");
    assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4))
        .isEqualTo(new String(body, US_ASCII));
  }

  @ParameterizedTest
  @CsvSource({
    "USUAL, false, the body has 1500001 bytes",
    "USUAL, true, the body has more than 1500000 bytes",
    "TAPPED, false, the body has 1500001 bytes",
    "TAPPED, true, the body has more than 1500000 bytes"
  })
  void aByteTooManyIsRefused(Way way, boolean chunked, String words) throws IOException {
    String framing =
        chunked
            ? "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(MOST + 1) + "\r\n"
            : "Content-Length: " + (MOST + 1) + "\r\n\r\n";
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port(way))) {
      socket.setSoTimeout(60_000);
      OutputStream out = socket.getOutputStream();
      out.write(("POST / HTTP/1.1\r\nHost: a\r\n" + framing).getBytes(US_ASCII));
      if (chunked) {
        out.write(new byte[MOST + 1]);
      }
      StringBuilder answer = new StringBuilder();
      byte[] piece = new byte[2000];
      while (!answer.toString().contains("max_body_bytes")) {
        int got = socket.getInputStream().read(piece);
        assertThat(got).as("the connection ended after: %s", answer).isPositive();
        answer.append(new String(piece, 0, got, US_ASCII));
      }
      assertThat(answer.toString()).startsWith("HTTP/1.1 413").contains(words);
    }
  }

  /** Requests that do not wait for the answers before them: theirs come in order, each its own. */
  @ParameterizedTest
  @EnumSource
  void pipelinedBodiesAreNotMixedUp(Way way) throws IOException {
    StringBuilder sent = new StringBuilder();
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 9; i++) {
      String body = Integer.toString(i).repeat(1 + i * i * 4_000);
      expected.append(i == 5 ? "no" : body);
      sent.append("POST / HTTP/1.1\r\nHost: a\r\n")
          .append(i == 5 ? "refuse: yes\r\n" : "")
          .append(i % 3 == 0 ? "answer-after: 30\r\n" : "")
          .append(i % 3 == 1 ? "read-after: 30\r\n" : "")
          .append(i == 8 ? "Connection: close\r\n" : "")
          .append("Content-Length: ")
          .append(body.length())
          .append("\r\n\r\n")
          .append(body);
    }
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port(way))) {
      socket.setSoTimeout(60_000);
      OutputStream out = socket.getOutputStream();
      CompletableFuture<Void> written =
          CompletableFuture.runAsync(
              () -> {
                try {
                  out.write(sent.toString().getBytes(US_ASCII));
                } catch (IOException failed) {
                  throw new UncheckedIOException(failed);
                }
              });
      String answers = everything(socket);
      written.join();
      assertThat(answers.replaceAll("HTTP/1\\.1 200 OK\r\n(?:[a-z-]+: [^\r]*\r\n)*\r\n", ""))
          .isEqualTo(expected.toString());
    }
  }

  private static String everything(Socket socket) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    socket.getInputStream().transferTo(all);
    return all.toString(US_ASCII);
  }

  /** The way that costs one copy less is taken. */
  @Test
  void whatIsTappedComesInViewsOfOneArray() throws Exception {
    Set<byte[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
    AtomicInteger pieces = new AtomicInteger();
    HttpServer server =
        listen(
            vertx.createHttpServer().connectionHandler(IntakeTap::install),
            request -> {
              new BodyIntake(request, MOST); // opens it
              request.handler(
                  piece -> {
                    pieces.incrementAndGet();
                    arrays.add(((BufferInternal) piece).getByteBuf().array());
                  });
              request.endHandler(end -> request.response().end());
            });
    String answer = ask(server.actualPort(), "", new byte[200_000], false, 1);
    assertThat(answer).startsWith("HTTP/1.1 200");
    assertThat(pieces.get()).isGreaterThan(1);
    assertThat(arrays).hasSize(1);
  }
}
