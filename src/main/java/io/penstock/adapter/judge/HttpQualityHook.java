package io.penstock.adapter.judge;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardBoard;
import io.penstock.inference.CascadePolicy;
import io.penstock.tiers.JudgeAnswer;
import io.penstock.tiers.QualityHook;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.net.ConnectException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Asks judges over HTTP: {@code {"request_id", "tier", "model", "prompt", "answer",
 * "finish_reason", "threshold"}} is posted, {@code {"quality": 0.83}} is the answer. Anything else
 * within the timeout, another status included, is a failure. Follows no redirects. Of one event
 * loop.
 */
public final class HttpQualityHook implements QualityHook {
  private static final int BODY_BYTES_MAX = 64 << 10;
  private static final int FAILURES_IN_A_ROW = 3;
  private static final Duration REST = Duration.ofSeconds(5);
  private static final int CONNECTIONS_MAX = 256;

  /** Of configurations before, guards are forgotten from here on. */
  private static final int GUARDS_MAX = 8;

  private final Vertx vertx;
  private final GuardBoard board;
  private final Map<CascadePolicy.Hook, Guard> guards = new LinkedHashMap<>();
  private @Nullable HttpClient client;

  /** What makes the hook of each loop of a node; how the judges are is shown for all loops. */
  public static Function<Vertx, QualityHook> onEachLoop(MeterRegistry meters) {
    GuardBoard board = new GuardBoard(meters);
    return vertx -> new HttpQualityHook(vertx, board);
  }

  private HttpQualityHook(Vertx vertx, GuardBoard board) {
    this.vertx = vertx;
    this.board = board;
  }

  @Override
  public Runnable ask(
      CascadePolicy.Hook at, Question question, DoubleConsumer quality, Consumer<String> failed) {
    Call call = new Call(at, question);
    guard(at)
        .call(() -> call.make(client()))
        .onComplete(
            done -> {
              if (call.isCancelled) {
                return;
              }
              if (done.succeeded()) {
                quality.accept(done.result());
              } else {
                call.abort();
                failed.accept(why(at, done.cause()));
              }
            });
    return call::cancel;
  }

  private static String why(CascadePolicy.Hook at, Throwable cause) {
    if (Guard.isRefusal(cause)) {
      return "it is left alone for some seconds after " + FAILURES_IN_A_ROW + " failures in a row";
    }
    if (cause instanceof TimeoutException
        || cause instanceof io.vertx.circuitbreaker.TimeoutException) {
      return "no answer within " + at.timeout().toMillis() + " ms";
    }
    if (cause instanceof ConnectException) {
      return "it can not be reached";
    }
    return String.valueOf(cause.getMessage());
  }

  private Guard guard(CascadePolicy.Hook at) {
    Guard known = guards.get(at);
    if (known != null) {
      return known;
    }
    if (guards.size() >= GUARDS_MAX) {
      CascadePolicy.Hook oldest = guards.keySet().iterator().next();
      Guard gone = guards.remove(oldest);
      if (gone != null) {
        gone.close();
      }
    }
    Guard opened =
        new Guard(
            vertx,
            board,
            "judge",
            at.url(),
            new Guard.Rules(FAILURES_IN_A_ROW, at.timeout(), REST),
            failure -> !(failure instanceof CancellationException));
    guards.put(at, opened);
    return opened;
  }

  private HttpClient client() {
    HttpClient opened = client;
    if (opened == null) {
      opened =
          vertx.createHttpClient(
              new HttpClientOptions().setConnectTimeout(5_000).setKeepAliveTimeout(4),
              new PoolOptions().setHttp1MaxSize(CONNECTIONS_MAX));
      client = opened;
    }
    return opened;
  }

  /** One question under way. */
  private static final class Call {
    private final CascadePolicy.Hook at;
    private final Question question;
    private final Promise<Double> answer = Promise.promise();
    private @Nullable HttpClientRequest request;
    private boolean isCancelled;

    Call(CascadePolicy.Hook at, Question question) {
      this.at = at;
      this.question = question;
    }

    Future<Double> make(HttpClient client) {
      client
          .request(
              new RequestOptions()
                  .setAbsoluteURI(at.url())
                  .setMethod(HttpMethod.POST)
                  .setIdleTimeout(at.timeout().toMillis())
                  .putHeader("accept", "application/json")
                  .putHeader("content-type", "application/json"))
          .onFailure(answer::tryFail)
          .onSuccess(this::send);
      return answer.future();
    }

    private void send(HttpClientRequest opened) {
      request = opened;
      if (answer.future().isComplete()) {
        opened.reset();
        return;
      }
      opened.send(body()).onFailure(answer::tryFail).onSuccess(this::read);
    }

    private Buffer body() {
      return new JsonObject()
          .put("request_id", question.requestId())
          .put("tier", question.tier())
          .put("model", question.model())
          .put("prompt", question.draft().prompt())
          .put("answer", question.draft().text())
          .put("finish_reason", question.draft().finishReason())
          .put("threshold", question.threshold())
          .toBuffer();
    }

    private void read(HttpClientResponse response) {
      Buffer body = Buffer.buffer();
      response
          .handler(
              piece -> {
                if (body.length() + piece.length() > BODY_BYTES_MAX) {
                  answer.tryFail("its answer is longer than " + BODY_BYTES_MAX + " bytes");
                  response.request().reset();
                } else {
                  body.appendBuffer(piece);
                }
              })
          .exceptionHandler(answer::tryFail)
          .endHandler(end -> judge(response.statusCode(), body));
    }

    private void judge(int status, Buffer body) {
      if (status != 200) {
        answer.tryFail("it answered with status " + status);
        return;
      }
      try {
        if (body.toJsonObject().getValue("quality") instanceof Number quality
            && JudgeAnswer.isQuality(quality.doubleValue())) {
          answer.tryComplete(quality.doubleValue());
        } else {
          answer.tryFail("its answer has no quality from 0 to 1");
        }
      } catch (DecodeException | ClassCastException e) {
        answer.tryFail("its answer is no JSON object");
      }
    }

    /** Ends the exchange with the judge, unless that has ended by itself. */
    void abort() {
      if (answer.tryFail(new CancellationException("nobody wants to know any more"))
          && request != null) {
        request.reset();
      }
    }

    void cancel() {
      isCancelled = true;
      abort();
    }
  }
}
