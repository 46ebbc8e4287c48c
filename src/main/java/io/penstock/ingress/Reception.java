package io.penstock.ingress;

import io.penstock.inference.Operation;
import io.penstock.openai.Checked;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.Verdict;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.LongConsumer;

/** What comes before a request can be routed: who sent it, its body, what it asks for. */
final class Reception {
  /** Whose request it is. All but the first are called within {@link #on}. */
  interface Guide {
    /** Runs an event, unless the request is over; catches what it throws. */
    void on(LongConsumer event);

    /** It is known who asks. */
    void identified(Identity identity);

    /** It can not be served. */
    void turnedAway(long nowMillis, FinalError why);

    /**
     * All of it is there, and it says something that can be routed.
     *
     * @param body what engines are to be sent, a prefix included
     */
    void received(long nowMillis, Ask ask, byte[] body);
  }

  private final LoopParts loop;
  private final Operation operation;
  private final HttpServerRequest request;
  private final int maxBodyBytes;
  private final BodyIntake intake;
  private final Guide guide;

  Reception(
      LoopParts loop,
      Operation operation,
      HttpServerRequest request,
      int maxBodyBytes,
      Guide guide) {
    this.loop = loop;
    this.operation = operation;
    this.request = request;
    this.maxBodyBytes = maxBodyBytes;
    this.intake = new BodyIntake(request, maxBodyBytes);
    this.guide = guide;
  }

  /** Asks who it is, and begins to read the body. */
  void begin() {
    Verdict verdict =
        Entrance.identify(
            loop.door(),
            request,
            late ->
                guide.on(
                    now -> {
                      request.resume();
                      identified(now, late);
                    }));
    if (verdict == null) {
      request.pause(); // it is known later
    } else {
      guide.on(now -> identified(now, verdict));
    }
  }

  private void identified(long nowMillis, Verdict verdict) {
    verdict.tell(
        known -> {
          guide.identified(known.identity());
          readBody(known.identity());
        },
        denied -> guide.turnedAway(nowMillis, FinalError.denied(denied)));
  }

  private void readBody(Identity identity) {
    intake.read(
        () -> guide.on(now -> guide.turnedAway(now, FinalError.bodyTooLarge(intake.tooLarge()))),
        () -> guide.on(now -> read(now, identity)));
  }

  private void read(long nowMillis, Identity identity) {
    byte[] bytes = intake.bytes();
    Checked<Preamble.Whole> read =
        Preamble.read(
            operation,
            request.headers(),
            bytes,
            identity.tenant(),
            loop.prefixes().now(),
            maxBodyBytes);
    if (read instanceof Checked.Rejected<Preamble.Whole> no) {
      guide.turnedAway(nowMillis, FinalError.rejected(no));
    } else if (read instanceof Checked.Valid<Preamble.Whole> yes) {
      guide.received(nowMillis, yes.value().ask(), yes.value().body());
    }
  }

  /** Nobody wants the body any more. */
  void drop() {
    intake.drop();
  }
}
