package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.tenancy.Door;
import io.penstock.tenancy.Verdict;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Asks the door who has sent a request. */
final class Entrance {
  private Entrance() {}

  /** Hands on what comes after the question has returned. */
  private static final class Answer implements Consumer<Verdict> {
    private final Consumer<Verdict> late;
    private @Nullable Verdict verdict;
    private boolean hasReturned;

    Answer(Consumer<Verdict> late) {
      this.late = late;
    }

    @Override
    public void accept(Verdict given) {
      if (hasReturned) {
        late.accept(given);
      } else {
        verdict = given;
      }
    }
  }

  /**
   * Who has sent it, or null when that is known {@code late}r.
   *
   * @param late called once then, and not at all otherwise
   */
  static @Nullable Verdict identify(Door door, HttpServerRequest request, Consumer<Verdict> late) {
    Answer answer = new Answer(late);
    door.identify(
        request.headers().get(HttpHeaderNames.AUTHORIZATION),
        request.headers().get(Headers.API_KEY),
        answer);
    answer.hasReturned = true;
    return answer.verdict;
  }
}
