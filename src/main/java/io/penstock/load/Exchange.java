package io.penstock.load;

import io.netty.channel.ConnectTimeoutException;
import io.penstock.time.Clock;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.RequestOptions;
import java.io.ByteArrayOutputStream;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.function.BiConsumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One request on the wire, from its sending to its one {@link Ended}. On the run's event loop. It
 * decides only what a failed connection was; what an answer is worth, {@link StreamChecker} says.
 */
final class Exchange {
  private static final int ANSWER_BYTES_MAX = 16 << 20;
  private static final int ERROR_BYTES_MAX = 64 << 10;

  private final Clock clock;
  private final Tally tally;
  private final boolean stream;
  private final boolean usage;
  private final BiConsumer<Exchange, Ended> onEnd;
  private final String requestId;
  private final String address;
  private final int askedTokens;
  private final long plannedNanos;
  private final long sentNanos;
  private final StreamChecker checker;

  private @Nullable HttpClientRequest request;
  private @Nullable String replica;
  private long firstContentNanos;
  private long lastContentNanos;
  private boolean ended;

  /**
   * @param plannedNanos when it should have been sent; the latencies count from it
   * @param sentNanos now
   */
  Exchange(
      Clock clock,
      Tally tally,
      LoadConfig.Workload workload,
      BiConsumer<Exchange, Ended> onEnd,
      String requestId,
      String address,
      int askedTokens,
      long plannedNanos,
      long sentNanos) {
    this.clock = clock;
    this.tally = tally;
    this.stream = workload.stream();
    this.usage = workload.usage();
    this.onEnd = onEnd;
    this.requestId = requestId;
    this.address = address;
    this.askedTokens = askedTokens;
    this.plannedNanos = plannedNanos;
    this.sentNanos = sentNanos;
    this.checker = new StreamChecker(usage);
  }

  long sentNanos() {
    return sentNanos;
  }

  void send(HttpClientAgent client, RequestOptions options, Buffer body) {
    client
        .request(options)
        .onSuccess(opened -> connected(opened, body))
        .onFailure(this::notConnected);
  }

  /** Ends it as late. */
  void expire() {
    abort(Ending.TIMEOUT, where());
  }

  /** Ends it because the run was stopped. */
  void interrupt() {
    abort(Ending.INTERRUPTED, where());
  }

  private void connected(HttpClientRequest opened, Buffer body) {
    if (ended) {
      opened.reset();
      return;
    }
    request = opened;
    opened
        .putHeader("x-request-id", requestId)
        .send(body)
        .onSuccess(this::answered)
        .onFailure(cause -> end(Verdict.of(Ending.RESET, "before any answer")));
  }

  private void notConnected(Throwable cause) {
    end(Verdict.of(Ending.CONNECT, connectFailure(cause)));
  }

  /** Why there is no connection, in a word. */
  static String connectFailure(Throwable cause) {
    if (cause instanceof SSLException) {
      return "TLS";
    }
    if (cause instanceof UnknownHostException) {
      return "unknown host";
    }
    if (cause instanceof ConnectTimeoutException) {
      return "too slow";
    }
    return cause instanceof ConnectException ? "refused" : cause.getClass().getSimpleName();
  }

  private void answered(HttpClientResponse response) {
    if (ended) {
      return;
    }
    replica = response.getHeader("x-penstock-replica");
    if (response.statusCode() != 200) {
      refused(response);
    } else if (stream) {
      streamed(response);
    } else {
      whole(response);
    }
  }

  private void refused(HttpClientResponse response) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    Runnable end =
        () ->
            end(
                Verdict.of(
                    Ending.HTTP_ERROR,
                    AnswerChecker.describe(response.statusCode(), body.toByteArray())));
    response.exceptionHandler(cause -> end.run());
    response.endHandler(v -> end.run());
    response.handler(
        buffer -> {
          if (body.size() < ERROR_BYTES_MAX) {
            body.writeBytes(buffer.getBytes());
          }
        });
  }

  private void whole(HttpClientResponse response) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    response.exceptionHandler(cause -> end(cut(Verdict.of(Ending.TRUNCATED, "body cut"), cause)));
    response.endHandler(v -> end(AnswerChecker.check(body.toByteArray(), usage)));
    response.handler(
        buffer -> {
          body.writeBytes(buffer.getBytes());
          if (body.size() > ANSWER_BYTES_MAX) {
            abort(Ending.MALFORMED, "body over " + ANSWER_BYTES_MAX + " bytes");
          }
        });
  }

  private void streamed(HttpClientResponse response) {
    response.exceptionHandler(cause -> end(cut(checker.end(), cause)));
    String type = String.valueOf(response.getHeader("content-type")).toLowerCase(Locale.ROOT);
    if (!type.startsWith("text/event-stream")) {
      abort(Ending.MALFORMED, "content-type " + type.substring(0, Math.min(40, type.length())));
      return;
    }
    response.endHandler(v -> end(checker.end()));
    response.handler(this::read);
  }

  private void read(Buffer buffer) {
    if (ended) {
      return;
    }
    byte[] bytes = buffer.getBytes();
    int contents = checker.feed(bytes, 0, bytes.length);
    if (contents > 0) {
      long now = clock.nanos();
      if (lastContentNanos == 0) {
        firstContentNanos = now;
        tally.firstContents(contents);
      } else {
        tally.nextContents(contents, now - lastContentNanos);
      }
      lastContentNanos = now;
    }
    if (checker.isFailed()) {
      end(checker.end());
      reset();
    }
  }

  /**
   * The verdict when the connection broke: a clean close cuts the body, anything else resets it.
   */
  private static Verdict cut(Verdict seen, Throwable cause) {
    if (seen.ending() == Ending.OK) {
      return seen.as(Ending.TRUNCATED, "HTTP body cut after [DONE]");
    }
    boolean broken = seen.ending() == Ending.TRUNCATED && !(cause instanceof HttpClosedException);
    return broken
        ? seen.as(Ending.RESET, seen.contents() == 0 ? "before any content" : "in mid-stream")
        : seen;
  }

  private String where() {
    if (request == null) {
      return "connecting";
    }
    return lastContentNanos == 0 ? "before any content" : "in mid-stream";
  }

  private void abort(Ending ending, String detail) {
    end(checker.end().as(ending, detail));
    reset();
  }

  private void reset() {
    if (request != null) {
      request.reset();
    }
  }

  private void end(Verdict verdict) {
    if (ended) {
      return;
    }
    ended = true;
    onEnd.accept(
        this,
        new Ended(
            verdict,
            requestId,
            address,
            replica,
            firstContentNanos - plannedNanos,
            lastContentNanos - firstContentNanos,
            clock.nanos() - plannedNanos,
            askedTokens));
  }
}
