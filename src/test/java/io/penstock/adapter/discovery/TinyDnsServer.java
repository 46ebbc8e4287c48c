package io.penstock.adapter.discovery;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.datagram.DatagramPacket;
import io.vertx.core.datagram.DatagramSocket;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers A, CNAME and SRV questions over UDP, as a test tells it. */
final class TinyDnsServer {
  private static final int A = 1;
  private static final int CNAME = 5;
  private static final int SRV = 33;
  private static final int NAME_ERROR = 3;
  private static final int SERVER_FAILURE = 2;

  final AtomicInteger questions = new AtomicInteger();
  volatile boolean isBroken;
  volatile boolean isSilent;
  private final Map<String, List<Buffer>> records = new ConcurrentHashMap<>();
  private final DatagramSocket socket;

  private TinyDnsServer(DatagramSocket socket) {
    this.socket = socket;
  }

  static Future<TinyDnsServer> start(Vertx vertx) {
    DatagramSocket socket = vertx.createDatagramSocket();
    TinyDnsServer server = new TinyDnsServer(socket);
    socket.handler(server::answer);
    return socket.listen(0, "127.0.0.1").map(server);
  }

  String address() {
    return "127.0.0.1:" + socket.localAddress().port();
  }

  void forget(String name) {
    records.keySet().removeIf(key -> key.startsWith(key(name, 0).split(" ", 2)[0] + " "));
  }

  void a(String name, String address) {
    Buffer data = Buffer.buffer();
    for (String part : address.split("\\.", -1)) {
      data.appendByte((byte) Integer.parseInt(part));
    }
    add(name, A, data);
  }

  void cname(String name, String target) {
    add(name, CNAME, name(target));
  }

  void srv(String name, int priority, int weight, int port, String target) {
    Buffer data = Buffer.buffer();
    data.appendUnsignedShort(priority).appendUnsignedShort(weight).appendUnsignedShort(port);
    add(name, SRV, data.appendBuffer(name(target)));
  }

  private void add(String name, int type, Buffer data) {
    Buffer record = name(name);
    record.appendUnsignedShort(type).appendUnsignedShort(1).appendInt(0);
    record.appendUnsignedShort(data.length()).appendBuffer(data);
    records.computeIfAbsent(key(name, type), k -> new CopyOnWriteArrayList<>()).add(record);
  }

  private void answer(DatagramPacket packet) {
    questions.incrementAndGet();
    if (isSilent) {
      return;
    }
    Buffer question = packet.data();
    int at = 12;
    StringBuilder name = new StringBuilder();
    while (question.getByte(at) != 0) {
      int length = question.getUnsignedByte(at);
      name.append(question.getString(at + 1, at + 1 + length)).append('.');
      at += 1 + length;
    }
    int type = question.getUnsignedShort(at + 1);
    int end = at + 5;
    List<Buffer> found = records.getOrDefault(key(name.toString(), type), List.of());
    boolean isKnown =
        records.keySet().stream()
            .anyMatch(k -> k.startsWith(name.toString().toLowerCase(Locale.ROOT) + " "));
    int code = isBroken ? SERVER_FAILURE : isKnown ? 0 : NAME_ERROR;
    Buffer answer = Buffer.buffer();
    answer.appendUnsignedShort(question.getUnsignedShort(0));
    answer.appendUnsignedShort(0x8580 | code);
    answer.appendUnsignedShort(1).appendUnsignedShort(isBroken ? 0 : found.size());
    answer.appendUnsignedShort(0).appendUnsignedShort(0);
    answer.appendBuffer(question.getBuffer(12, end));
    if (!isBroken) {
      found.forEach(answer::appendBuffer);
    }
    socket.send(answer, packet.sender().port(), packet.sender().host());
  }

  private static String key(String name, int type) {
    String dotted = name.endsWith(".") ? name : name + ".";
    return dotted.toLowerCase(Locale.ROOT) + " " + type;
  }

  private static Buffer name(String name) {
    Buffer encoded = Buffer.buffer();
    for (String label : name.split("\\.", -1)) {
      if (!label.isEmpty()) {
        encoded.appendByte((byte) label.length()).appendBytes(label.getBytes(US_ASCII));
      }
    }
    return encoded.appendByte((byte) 0);
  }
}
