package io.penstock.sim;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An HTTP client that sees what really came over the socket, and how the socket ended. */
final class RawClient implements AutoCloseable {
  /** How a connection ended, as its reader sees it. */
  enum End {
    EOF,
    RESET,
    /** The answer is whole, the connection still open. */
    COMPLETE,
    TIMEOUT
  }

  /** What was read: body already without its chunks. */
  record Answer(int status, String head, String body, List<Integer> chunkSizes, End end) {
    /** The payloads of the stream's frames. */
    List<String> frames() {
      List<String> frames = new ArrayList<>();
      for (String frame : body.split("\n\n", -1)) {
        if (frame.startsWith("data: ")) {
          frames.add(frame.substring("data: ".length()));
        }
      }
      return frames;
    }
  }

  private final Socket socket;
  private final InputStream in;

  RawClient(int port) throws IOException {
    this(port, 64 << 10);
  }

  RawClient(int port, int receiveBuffer) throws IOException {
    socket = new Socket();
    socket.setReceiveBufferSize(receiveBuffer);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 60_000);
    socket.setSoTimeout(60_000);
    in = new BufferedInputStream(socket.getInputStream());
  }

  RawClient timeoutMillis(int millis) throws IOException {
    socket.setSoTimeout(millis);
    return this;
  }

  void send(String method, String path, String body, String... headers) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nhost: sim\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    if (bytes.length > 0) {
      head.append("content-type: application/json\r\ncontent-length: ");
      head.append(bytes.length).append("\r\n");
    }
    head.append("\r\n");
    socket.getOutputStream().write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  static Answer post(int port, String path, String body, String... headers) throws IOException {
    try (RawClient client = new RawClient(port)) {
      client.send("POST", path, body, headers);
      return client.read();
    }
  }

  static Answer get(int port, String path) throws IOException {
    try (RawClient client = new RawClient(port)) {
      client.send("GET", path, "");
      return client.read();
    }
  }

  /** Reads until the text, plain ASCII, has come; for clients that leave in the middle. */
  void readUntil(String text) throws IOException {
    StringBuilder tail = new StringBuilder();
    while (tail.indexOf(text) < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("ended before '" + text + "' after '" + tail + "'");
      }
      tail.append((char) next);
      if (tail.length() > 2 * text.length()) {
        tail.delete(0, text.length());
      }
    }
  }

  /** Reads one answer to its end, whatever that is. */
  Answer read() throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    List<Integer> chunks = new ArrayList<>();
    End end;
    try {
      end = read(head, body, chunks);
    } catch (SocketTimeoutException e) {
      end = End.TIMEOUT;
    } catch (SocketException e) {
      end = End.RESET;
    }
    String text = head.toString(StandardCharsets.ISO_8859_1);
    int status = text.length() < 12 ? 0 : Integer.parseInt(text.substring(9, 12));
    return new Answer(status, text, body.toString(UTF_8), chunks, end);
  }

  private End read(ByteArrayOutputStream head, ByteArrayOutputStream body, List<Integer> chunks)
      throws IOException {
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        return End.EOF;
      }
      head.write(next);
    }
    String text = head.toString(StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
    int at = text.indexOf("content-length: ");
    if (at >= 0) {
      int length = Integer.parseInt(text.substring(at + 16, text.indexOf("\r\n", at)));
      return copy(body, length) ? End.COMPLETE : End.EOF;
    }
    while (true) {
      StringBuilder line = new StringBuilder();
      while (!line.toString().endsWith("\r\n")) {
        int next = in.read();
        if (next < 0) {
          return End.EOF;
        }
        line.append((char) next);
      }
      int size = Integer.parseInt(line.toString().strip(), 16);
      if (size > 0) {
        chunks.add(size);
      }
      if (!copy(body, size) || !copy(new ByteArrayOutputStream(), 2)) {
        return End.EOF;
      }
      if (size == 0) {
        return End.COMPLETE;
      }
    }
  }

  private boolean copy(ByteArrayOutputStream into, int length) throws IOException {
    for (int left = length; left > 0; ) {
      byte[] part = new byte[Math.min(left, 8192)];
      int got = in.read(part);
      if (got < 0) {
        return false;
      }
      into.write(part, 0, got);
      left -= got;
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
