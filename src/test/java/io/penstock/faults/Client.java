package io.penstock.faults;

import io.penstock.faults.Seen.End;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One request over a raw socket, read byte by byte; blocking, for a thread of its own. */
final class Client {
  private static final int PATIENCE_MILLIS = 90_000;

  /** How a client behaves. */
  static final class Habit {
    static final Habit NORMAL = new Habit();

    /** Leaves after so many frames; -1 never. */
    int leaveAfterFrames = -1;

    /** Leaves when this long has passed without a byte; 0 never. */
    long leaveAfterMillis;

    /** Shuts its own direction down once the request is sent. */
    boolean halfCloses;

    /** Reads so many bytes one at a time … */
    int sippedBytes;

    /** … with this time between two. */
    long sipMillis;

    /** Does not read at all at first. */
    long sleepsMillis;

    static Habit leavingAfterFrames(int frames) {
      Habit habit = new Habit();
      habit.leaveAfterFrames = frames;
      return habit;
    }

    static Habit leavingAfterMillis(long millis) {
      Habit habit = new Habit();
      habit.leaveAfterMillis = millis;
      return habit;
    }

    static Habit halfClosing() {
      Habit habit = new Habit();
      habit.halfCloses = true;
      return habit;
    }

    static Habit sleeping(long millis) {
      Habit habit = new Habit();
      habit.sleepsMillis = millis;
      return habit;
    }

    static Habit sipping(int bytes, long millis) {
      Habit habit = new Habit();
      habit.sippedBytes = bytes;
      habit.sipMillis = millis;
      return habit;
    }
  }

  private static final class Left extends IOException {
    private static final long serialVersionUID = 1;
  }

  private final Habit habit;
  private final long beganNanos = System.nanoTime();
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private final List<Long> frameNanos = new ArrayList<>();
  private final Map<String, String> headers = new HashMap<>();
  private final byte[] buffer = new byte[16 << 10];
  private InputStream in = InputStream.nullInputStream();
  private int position;
  private int limit;
  private int sipped;
  private int status;
  private int last;

  private Client(Habit habit) {
    this.habit = habit;
  }

  /** Sends a POST and reads what comes. Never throws: what happened is in the answer. */
  static Seen post(int port, String path, String body, Map<String, String> headers, Habit habit) {
    return post("127.0.0.1", port, path, body, headers, habit);
  }

  static Seen post(
      String host, int port, String path, String body, Map<String, String> headers, Habit habit) {
    return new Client(habit).exchange(host, port, path, body, headers);
  }

  private Seen exchange(
      String host, int port, String path, String request, Map<String, String> more) {
    End end;
    try (Socket socket = new Socket()) {
      if (habit.sippedBytes > 0 || habit.sleepsMillis > 0) {
        socket.setReceiveBufferSize(4 << 10);
      }
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(
          habit.leaveAfterMillis > 0 ? (int) habit.leaveAfterMillis : PATIENCE_MILLIS);
      socket.connect(new InetSocketAddress(host, port), 10_000);
      end = talk(socket, path, request, more);
    } catch (Left e) {
      end = End.LEFT;
    } catch (SocketTimeoutException e) {
      end = habit.leaveAfterMillis > 0 ? End.LEFT : End.HANGS;
    } catch (ConnectException e) {
      end = End.REFUSED;
    } catch (SocketException e) {
      end = End.RESET;
    } catch (IOException e) {
      end = End.CUT;
    }
    return new Seen(
        beganNanos,
        System.nanoTime(),
        status,
        Map.copyOf(headers),
        body.toByteArray(),
        List.copyOf(frameNanos),
        end);
  }

  private End talk(Socket socket, String path, String request, Map<String, String> more)
      throws IOException {
    byte[] bytes = request.getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder("POST " + path + " HTTP/1.1\r\nhost: faults\r\n");
    head.append("content-type: application/json\r\ncontent-length: ");
    head.append(bytes.length).append("\r\n");
    more.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    head.append("\r\n");
    socket.getOutputStream().write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    if (habit.halfCloses) {
      socket.shutdownOutput();
    }
    in = socket.getInputStream();
    if (habit.sleepsMillis > 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(habit.sleepsMillis));
    }
    if (habit.leaveAfterFrames == 0) {
      throw new Left();
    }
    return read();
  }

  private End read() throws IOException {
    String first = line();
    if (first == null || first.length() < 12) {
      return End.CUT;
    }
    status = Integer.parseInt(first.substring(9, 12));
    for (String line = line(); line == null || !line.isEmpty(); line = line()) {
      if (line == null) {
        return End.CUT;
      }
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    if (headers.getOrDefault("transfer-encoding", "").equals("chunked")) {
      return chunks();
    }
    return copy(Long.parseLong(headers.getOrDefault("content-length", "0")));
  }

  private End chunks() throws IOException {
    while (true) {
      String size = line();
      if (size == null || size.isEmpty()) {
        return End.CUT;
      }
      long length = Long.parseLong(size.strip(), 16);
      if (copy(length) == End.CUT || line() == null) {
        return End.CUT;
      }
      if (length == 0) {
        return End.COMPLETE;
      }
    }
  }

  private End copy(long length) throws IOException {
    for (long i = 0; i < length; i++) {
      int next = next();
      if (next < 0) {
        return End.CUT;
      }
      body.write(next);
      if (next == '\n' && last == '\n') {
        frameNanos.add(System.nanoTime());
        if (frameNanos.size() == habit.leaveAfterFrames) {
          throw new Left();
        }
      }
      last = next;
    }
    return End.COMPLETE;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int next = next();
      if (next < 0) {
        return null;
      }
      if (next == '\n') {
        return line.toString().stripTrailing();
      }
      line.append((char) next);
    }
  }

  private int next() throws IOException {
    if (sipped < habit.sippedBytes) {
      sipped++;
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(habit.sipMillis));
      return in.read();
    }
    if (position == limit) {
      limit = in.read(buffer);
      position = 0;
      if (limit < 0) {
        limit = 0;
        return -1;
      }
    }
    return buffer[position++] & 0xff;
  }
}
