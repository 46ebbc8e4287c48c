package io.penstock.ingress;

import io.penstock.inference.CascadePolicy;
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
import io.penstock.tiers.Draft;
import io.penstock.tiers.QualityHook;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks a model of the fleet about a draft: a chat of one message, not streamed, that waits at its
 * pool's owner like any other request and is asked once. One of the two consumers is told, once,
 * within the timeout, unless it is cancelled before.
 */
final class JudgeCall implements Upstream.Listener, SideCalls.Waiting {
  /** A number and little more; what says more is no judge's answer. */
  private static final int TOKENS_MAX = 16;

  private static final int ANSWER_MAX_BYTES = 64 << 10;
  private static final int BYTES_PER_TOKEN = 4;

  /** On whose account it is asked: it waits in that tenant's turn. */
  record Asker(Tenant tenant, Priority priority, long affinity) {}

  /**
   * The judges that a request's drafts are shown.
   *
   * @param asker on whose account a model is asked
   */
  record Panel(LoopParts loop, Asker asker) implements Judging.Panel {
    @Override
    public Runnable hook(
        CascadePolicy.Hook at,
        QualityHook.Question question,
        DoubleConsumer quality,
        Consumer<String> failed) {
      return loop.hook().ask(at, question, quality, failed);
    }

    @Override
    public Runnable model(
        CascadePolicy.Llm llm, Draft draft, Consumer<String> said, Consumer<String> failed) {
      JudgeCall call = new JudgeCall(loop, llm, asker, draft, said, failed);
      call.begin();
      return call::cancel;
    }

    @Override
    public void count(String judge, String outcome) {
      loop.books().judged(judge, outcome);
    }
  }

  private final LoopParts loop;
  private final CascadePolicy.Llm llm;
  private final Asker asker;
  private final Draft draft;
  private final Consumer<String> said;
  private final Consumer<String> failed;
  private final RequestId id;
  private final Queue<Pool> pools = new ArrayDeque<>();
  private final Buffer collected = Buffer.buffer();

  private @Nullable Pool pool;
  private @Nullable Upstream call;
  private @Nullable EngineHead head;
  private long grantedMillis;
  private boolean over;

  JudgeCall(
      LoopParts loop,
      CascadePolicy.Llm llm,
      Asker asker,
      Draft draft,
      Consumer<String> said,
      Consumer<String> failed) {
    this.loop = loop;
    this.llm = llm;
    this.asker = asker;
    this.draft = draft;
    this.said = said;
    this.failed = failed;
    this.id = loop.sideCalls().opened(this);
    for (Pool each : loop.rules().get().pools().values()) {
      if (each.model().equals(llm.model())) {
        pools.add(each);
      }
    }
  }

  void begin() {
    loop.timers()
        .after(
            llm.timeout().toMillis(),
            () -> fail("no answer within " + llm.timeout().toMillis() + " ms", Outcome.TIMEOUT));
    askForSlot();
  }

  private void askForSlot() {
    Pool next = pools.poll();
    if (next == null) {
      fail("no pool of the model '" + llm.model() + "' has a slot for it", Outcome.CANCELLED);
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
                asker.tenant().id(),
                asker.tenant().weight(),
                asker.priority(),
                1,
                body.length() / BYTES_PER_TOKEN,
                TOKENS_MAX,
                body.length(),
                asker.affinity(),
                Set.of(),
                Set.of(),
                llm.timeout().toMillis(),
                0,
                Optional.empty(),
                false,
                PromptBlocks.NONE),
            loop.clock().millis());
  }

  private Buffer body(Pool of) {
    String prompt = llm.prompt();
    StringBuilder text = new StringBuilder(prompt.length() + draft.text().length());
    int from = 0;
    while (from
        < prompt.length()) { // in one pass: an answer that has {answer} in it stays as it is
      if (prompt.startsWith("{prompt}", from)) {
        text.append(draft.prompt());
        from += "{prompt}".length();
      } else if (prompt.startsWith("{answer}", from)) {
        text.append(draft.text());
        from += "{answer}".length();
      } else {
        text.append(prompt.charAt(from++));
      }
    }
    return new JsonObject()
        .put("model", of.nameForEngine().value())
        .put(
            "messages",
            new JsonArray()
                .add(new JsonObject().put("role", "user").put("content", text.toString())))
        .put("temperature", 0)
        .put("max_tokens", TOKENS_MAX)
        .put("stream", false)
        .toBuffer();
  }

  @Override
  public void granted(Grant grant) {
    if (over || pool == null) {
      return;
    }
    grantedMillis = loop.clock().millis();
    call = EngineRequest.shared(loop, grant, pool, Operation.CHAT, body(pool), this);
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
    head = engine;
  }

  @Override
  public void data(Buffer piece) {
    if (collected.length() + piece.length() > ANSWER_MAX_BYTES) {
      fail("its answer has more than " + ANSWER_MAX_BYTES + " bytes", Outcome.FAULT);
    } else {
      collected.appendBuffer(piece);
    }
  }

  @Override
  public void ended() {
    int status = head == null ? 0 : head.status();
    EngineAnswer judged = EngineAnswer.judge("the judge", status, "", collected.getBytes());
    if (judged instanceof EngineAnswer.Passed passed && passed.outcome() == Outcome.OK) {
      text()
          .ifPresentOrElse(
              text -> {
                if (close(Outcome.OK, passed.usage())) {
                  said.accept(text);
                }
              },
              () -> fail("its answer has no message", Outcome.OK));
    } else {
      fail("it answered with status " + status, Outcome.FAULT);
    }
  }

  private Optional<String> text() {
    try {
      return collected.toJsonObject().getValue("choices") instanceof JsonArray choices
              && !choices.isEmpty()
              && choices.getValue(0) instanceof JsonObject choice
              && choice.getValue("message") instanceof JsonObject message
              && message.getValue("content") instanceof String text
          ? Optional.of(text)
          : Optional.empty();
    } catch (DecodeException | ClassCastException no) {
      return Optional.empty();
    }
  }

  @Override
  public void failed(Throwable cause) {
    fail("the call to it broke", Outcome.TRANSPORT);
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
