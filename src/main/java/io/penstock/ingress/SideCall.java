package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import io.penstock.openai.Slice;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A call that a loop makes of itself, to a model of the fleet, for a request that it carries. It
 * waits at its pool's owner like any other request, in its tenant's turn, but reserves nothing of
 * the tenant's limits; where one pool of the model refuses it the next is asked. It ends within its
 * timeout, once, and then holds nothing: by an answer, or as {@link #failed(Trouble)}, or by {@link
 * #cancel}, which is told nobody.
 */
abstract class SideCall implements Upstream.Listener, SideCalls.Waiting {
  private static final int BYTES_PER_TOKEN = 4;

  /** On whose account it is made. */
  record Asker(Tenant tenant, Priority priority, long affinity) {}

  /**
   * What is wanted.
   *
   * @param outputTokens most that may be generated
   * @param answerBytes most that an answer has
   * @param late what a call that ends by its timeout is to the engine
   */
  record Terms(
      ModelName model,
      Operation operation,
      Duration timeout,
      int outputTokens,
      int answerBytes,
      Outcome late) {}

  /** Why there is no answer. */
  enum Trouble {
    LATE,
    NO_SLOT,
    TOO_LONG,
    BROKEN
  }

  private final LoopParts loop;
  private final Asker asker;
  private final Terms terms;
  private final RequestId id;
  private final Queue<Pool> pools = new ArrayDeque<>();
  private final Buffer collected = Buffer.buffer();

  private @Nullable Pool pool;
  private Buffer body = Buffer.buffer();
  private @Nullable Upstream call;
  private Runnable noTimeout = () -> {};
  private int status;
  private long grantedMillis;
  private boolean over;

  SideCall(LoopParts loop, Asker asker, Terms terms) {
    this.loop = loop;
    this.asker = asker;
    this.terms = terms;
    this.id = loop.sideCalls().opened(this);
    for (Pool each : loop.rules().get().pools().values()) {
      if (each.model().equals(terms.model())) {
        pools.add(each);
      }
    }
  }

  /** The request's body for one of the model's pools. */
  abstract Buffer body(Pool of);

  /** All of an answer is there. Ends the call by {@link #close}. */
  abstract void answered(int status, byte[] answer);

  /** There is none, and the call is over. */
  abstract void failed(Trouble trouble);

  final void begin() {
    noTimeout =
        loop.timers().after(terms.timeout().toMillis(), () -> fail(Trouble.LATE, terms.late()));
    askForSlot();
  }

  private void askForSlot() {
    Pool next = pools.poll();
    if (next == null) {
      fail(Trouble.NO_SLOT, Outcome.CANCELLED);
      return;
    }
    pool = next;
    body = body(next);
    loop.slots()
        .ask(
            new Admit(
                id,
                id.value(),
                loop.self(),
                next.name(),
                asker.tenant().id(),
                asker.tenant().weight(),
                asker.priority(),
                1,
                body.length() / BYTES_PER_TOKEN,
                terms.outputTokens(),
                body.length(),
                asker.affinity(),
                Set.of(),
                Set.of(),
                terms.timeout().toMillis(),
                0,
                Optional.empty(),
                false,
                PromptBlocks.NONE),
            loop.clock().millis());
  }

  @Override
  public final void granted(Grant grant) {
    if (over || pool == null) {
      return;
    }
    grantedMillis = loop.clock().millis();
    call = EngineRequest.shared(loop, grant, pool, terms.operation(), body, this);
    call.start();
  }

  @Override
  public final void refused(Refusal refusal) {
    if (!over) {
      askForSlot();
    }
  }

  @Override
  public final void sent() {}

  @Override
  public final void head(int begun, MultiMap headers) {
    status = begun;
  }

  @Override
  public final void data(Slice piece) {
    if (collected.length() + piece.length() > terms.answerBytes()) {
      fail(Trouble.TOO_LONG, Outcome.FAULT);
    } else {
      collected.appendBytes(piece.bytes(), piece.offset(), piece.length());
    }
  }

  @Override
  public final void ended() {
    if (!over) {
      answered(status, collected.getBytes());
    }
  }

  @Override
  public final void failed(Throwable cause) {
    fail(Trouble.BROKEN, Outcome.TRANSPORT);
  }

  private void fail(Trouble trouble, Outcome outcome) {
    if (close(outcome, TokenUsage.NONE)) {
      failed(trouble);
    }
  }

  /** Nobody wants to know any more: its slot goes back and the engine stops. */
  final void cancel() {
    close(Outcome.CANCELLED, TokenUsage.NONE);
  }

  /** Gives back what is held; false where that has been done. */
  final boolean close(Outcome outcome, TokenUsage usage) {
    if (over) {
      return false;
    }
    over = true;
    noTimeout.run();
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
