package io.penstock.ingress;

import io.penstock.inference.ComplexityEstimator.Embedder;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Has a model of the fleet embed one prompt. The call waits at its pool's owner like any other
 * request, in its tenant's turn, but reserves nothing of the tenant's limits; and it can not be
 * what it waits for, since the request that it is for holds no slot yet and it gives up after its
 * timeout. One of the two consumers is told, once, within the timeout, unless it is cancelled
 * before.
 *
 * <p>An answer that is late by this budget is the engine's fault by no other: the slot goes back as
 * that of a client that has left.
 */
final class EmbedCall implements Upstream.Listener, SideCalls.Waiting {
  static final String TIMEOUT = "timeout";
  static final String NO_SLOT = "no_slot";
  static final String REFUSED = "refused";
  static final String BROKEN = "broken";
  static final String MALFORMED = "malformed";

  private static final int ANSWER_MAX_BYTES = 1 << 20;
  private static final int BYTES_PER_TOKEN = 4;

  private final LoopParts loop;
  private final Embedder by;
  private final Tenant tenant;
  private final Ask ask;
  private final String text;
  private final Consumer<float[]> embedded;
  private final Consumer<String> failed;
  private final RequestId id;
  private final Queue<Pool> pools = new ArrayDeque<>();
  private final Buffer collected = Buffer.buffer();

  private @Nullable Pool pool;
  private @Nullable Upstream call;
  private int status;
  private long grantedMillis;
  private boolean over;

  /**
   * @param tenant whose turn it waits in
   * @param ask the request that it is for
   * @param text not blank
   * @param failed told why, by one of a closed list
   */
  EmbedCall(
      LoopParts loop,
      Embedder by,
      Tenant tenant,
      Ask ask,
      String text,
      Consumer<float[]> embedded,
      Consumer<String> failed) {
    this.loop = loop;
    this.by = by;
    this.tenant = tenant;
    this.ask = ask;
    this.text = text;
    this.embedded = embedded;
    this.failed = failed;
    this.id = loop.sideCalls().opened(this);
    for (Pool each : loop.rules().get().pools().values()) {
      if (each.model().equals(by.model())) {
        pools.add(each);
      }
    }
  }

  void begin() {
    loop.timers().after(by.timeout().toMillis(), () -> fail(TIMEOUT, Outcome.CANCELLED));
    askForSlot();
  }

  private void askForSlot() {
    Pool next = pools.poll();
    if (next == null) {
      fail(NO_SLOT, Outcome.CANCELLED);
      return;
    }
    pool = next;
    Buffer body = body(next);
    loop.slots()
        .ask(
            new Admit(
                id,
                id.value(),
                loop.self(),
                next.name(),
                tenant.id(),
                tenant.weight(),
                ask.priority(),
                1,
                body.length() / BYTES_PER_TOKEN,
                0,
                body.length(),
                ask.affinity(),
                Set.of(),
                Set.of(),
                by.timeout().toMillis(),
                0,
                Optional.empty(),
                false,
                PromptBlocks.NONE),
            loop.clock().millis());
  }

  private Buffer body(Pool of) {
    return new JsonObject()
        .put("model", of.nameForEngine().value())
        .put("input", text)
        .put("encoding_format", "float")
        .toBuffer();
  }

  @Override
  public void granted(Grant grant) {
    if (over || pool == null) {
      return;
    }
    grantedMillis = loop.clock().millis();
    call = EngineRequest.shared(loop, grant, pool, Operation.EMBEDDINGS, body(pool), this);
    call.start();
  }

  @Override
  public void refused(Refusal refusal) {
    if (!over) {
      askForSlot();
    }
  }

  @Override
  public void sent() {}

  @Override
  public void head(EngineHead engine) {
    status = engine.status();
  }

  @Override
  public void data(Buffer piece) {
    if (collected.length() + piece.length() > ANSWER_MAX_BYTES) {
      fail(MALFORMED, Outcome.FAULT);
    } else {
      collected.appendBuffer(piece);
    }
  }

  @Override
  public void ended() {
    EngineAnswer judged = EngineAnswer.judge("the embedder", status, "", collected.getBytes());
    if (judged instanceof EngineAnswer.Passed passed && passed.outcome() == Outcome.OK) {
      float[] vector = vector();
      if (vector.length == 0) {
        fail(MALFORMED, Outcome.OK);
      } else if (close(Outcome.OK, passed.usage())) {
        embedded.accept(vector);
      }
    } else {
      boolean blamesUs = status >= 400 && status < 500;
      fail(REFUSED, blamesUs ? Outcome.OK : Outcome.FAULT);
    }
  }

  /** Empty where the answer has none. */
  private float[] vector() {
    try {
      JsonArray data = collected.toJsonObject().getJsonArray("data");
      JsonArray numbers = data.getJsonObject(0).getJsonArray("embedding");
      float[] vector = new float[numbers.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = numbers.getFloat(i);
      }
      return vector;
    } catch (DecodeException
        | ClassCastException
        | NullPointerException
        | IndexOutOfBoundsException no) {
      return new float[0];
    }
  }

  @Override
  public void failed(Throwable cause) {
    fail(BROKEN, Outcome.TRANSPORT);
  }

  private void fail(String why, Outcome outcome) {
    if (close(outcome, TokenUsage.NONE)) {
      failed.accept(why);
    }
  }

  /** Nobody wants to know any more: its slot goes back and the engine stops. */
  void cancel() {
    close(Outcome.CANCELLED, TokenUsage.NONE);
  }

  /** Gives back what is held; false where that has been done. */
  private boolean close(Outcome outcome, TokenUsage usage) {
    if (over) {
      return false;
    }
    over = true;
    loop.sideCalls().closed(id);
    if (call != null) {
      call.cancel(); // without effect on an answer that came whole
    }
    if (pool != null) {
      loop.books().tokens(pool.name(), usage);
      loop.slots().withdraw(pool.name(), id);
      loop.slots()
          .release(pool.name(), id, outcome, usage, -1, loop.clock().millis() - grantedMillis, 0);
    }
    return true;
  }
}
