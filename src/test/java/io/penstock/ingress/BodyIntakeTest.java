package io.penstock.ingress;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies over a real socket, in pieces as they fall. */
class BodyIntakeTest {
  private static final int MOST = 1_500_000;

  private static Vertx vertx;
  private static HttpServer echo;

  @BeforeAll
  static void start() throws Exception {
    vertx = Vertx.vertx();
    echo =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  BodyIntake intake = new BodyIntake(request, MOST);
                  intake.read(
                      () -> request.response().setStatusCode(413).end(intake.tooLarge()),
                      () -> request.response().end(Buffer.buffer(intake.bytes())));
                })
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
  }

  @AfterAll
  static void stop() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static String ask(byte[] body, boolean chunked, long seed) throws IOException {
    Random random = new Random(seed);
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), echo.actualPort())) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(60_000);
      OutputStream out = socket.getOutputStream();
      String framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length;
      String head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + framing + "\r\n\r\n";
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
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      socket.getInputStream().transferTo(answer);
      return answer.toString(US_ASCII);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, false", "1, false", "2000, false", "70000, false", "300000, false", "1500000, false",
    "0, true", "1, true", "2000, true", "70000, true", "300000, true", "1500000, true"
  })
  void everyByteArrivesInItsPlace(int length, boolean chunked) throws IOException {
    Random random = new Random(length);
    byte[] body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = (byte) ('a' + random.nextInt(26));
    }
    String answer = ask(body, chunked, length + 1);
    assertThat(answer).startsWith("HTTP/1.1 200");
    assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4))
        .isEqualTo(new String(body, US_ASCII));
  }

  @ParameterizedTest
  @CsvSource({"false, the body has 1500001 bytes", "true, the body has more than 1500000 bytes"})
  void aByteTooManyIsRefused(boolean chunked, String words) throws IOException {
    String framing =
        chunked
            ? "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(MOST + 1) + "\r\n"
            : "Content-Length: " + (MOST + 1) + "\r\n\r\n";
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), echo.actualPort())) {
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
}
