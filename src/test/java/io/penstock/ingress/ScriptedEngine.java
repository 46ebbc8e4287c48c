package io.penstock.ingress;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An engine of raw sockets: reads one request after the other and lets a script answer each. */
final class ScriptedEngine {
  private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

  /** Answers one request. */
  interface Script {
    void answer(NetSocket socket, String request);
  }

  static final String STREAM_HEAD =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

  final List<String> requests = new CopyOnWriteArrayList<>();
  final AtomicInteger accepted = new AtomicInteger();
  final AtomicInteger closed = new AtomicInteger();
  final AtomicLong lastClosedNanos = new AtomicLong();
  private final NetServer server;
  private volatile boolean hangUp;
  private volatile Script script = (socket, request) -> socket.write(json("{\"choices\":[]}"));

  ScriptedEngine(Vertx vertx) {
    server = vertx.createNetServer().connectHandler(this::accept);
    server.listen(0, "127.0.0.1").await();
  }

  String url() {
    return "http://127.0.0.1:" + server.actualPort();
  }

  void answer(Script next) {
    script = next;
  }

  /** Closes the next connection at its first bytes. */
  void hangUpOnce() {
    hangUp = true;
  }

  private void accept(NetSocket socket) {
    accepted.incrementAndGet();
    socket.closeHandler(
        gone -> {
          lastClosedNanos.set(System.nanoTime());
          closed.incrementAndGet();
        });
    socket.exceptionHandler(reset -> {});
    StringBuilder read = new StringBuilder();
    socket.handler(
        piece -> {
          if (hangUp) {
            hangUp = false;
            socket.close();
            return;
          }
          read.append(piece.toString(StandardCharsets.ISO_8859_1));
          int body = read.indexOf("\r\n\r\n") + 4;
          Matcher length = LENGTH.matcher(read);
          if (body >= 4
              && length.find()
              && read.length() >= body + Integer.parseInt(length.group(1))) {
            String request = read.toString();
            read.setLength(0);
            requests.add(request);
            script.answer(socket, request);
          }
        });
  }

  static String frame(String text) {
    return "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
        + text
        + "\"},\"finish_reason\":null}]}\n\n";
  }

  static final String FINISH =
      "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  static final String DONE = "data: [DONE]\n\n";

  static Buffer chunk(String... parts) {
    String text = String.join("", parts);
    return Buffer.buffer(
        Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n");
  }

  static Buffer lastChunk() {
    return Buffer.buffer("0\r\n\r\n");
  }

  static String json(String body) {
    return json(200, body);
  }

  static String json(int status, String body) {
    return "HTTP/1.1 "
        + status
        + " X\r\ncontent-type: application/json\r\nserver: secret/1.0\r\ncontent-length: "
        + body.getBytes(StandardCharsets.UTF_8).length
        + "\r\n\r\n"
        + body;
  }
}
