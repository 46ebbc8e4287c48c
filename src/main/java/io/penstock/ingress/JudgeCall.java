package io.penstock.ingress;

import io.penstock.inference.CascadePolicy;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.TokenUsage;
import io.penstock.tiers.Draft;
import io.penstock.tiers.QualityHook;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;

/**
 * Asks a model of the fleet about a draft: a chat of one message, not streamed. One of the two
 * consumers is told, once, unless it is cancelled before.
 */
final class JudgeCall extends SideCall {
  /** A number and little more; what says more is no judge's answer. */
  private static final int TOKENS_MAX = 16;

  private static final int ANSWER_MAX_BYTES = 64 << 10;

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
      JudgeCall call = new JudgeCall(loop, asker, llm, draft, said, failed);
      call.begin();
      return call::cancel;
    }

    @Override
    public void count(String judge, String outcome) {
      loop.books().judged(judge, outcome);
    }
  }

  private final CascadePolicy.Llm llm;
  private final Draft draft;
  private final Consumer<String> said;
  private final Consumer<String> failed;

  JudgeCall(
      LoopParts loop,
      Asker asker,
      CascadePolicy.Llm llm,
      Draft draft,
      Consumer<String> said,
      Consumer<String> failed) {
    super(
        loop,
        asker,
        new Terms(
            llm.model(),
            Operation.CHAT,
            llm.timeout(),
            TOKENS_MAX,
            ANSWER_MAX_BYTES,
            Outcome.TIMEOUT));
    this.llm = llm;
    this.draft = draft;
    this.said = said;
    this.failed = failed;
  }

  @Override
  Buffer body(Pool of) {
    String prompt = llm.prompt();
    StringBuilder text = new StringBuilder(prompt.length() + draft.text().length());
    int from = 0;
    // In one pass: an answer that has {answer} in it stays as it is.
    while (from < prompt.length()) {
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
  void answered(int status, byte[] answer) {
    EngineAnswer judged = EngineAnswer.judge("the judge", status, "", answer);
    if (judged instanceof EngineAnswer.Passed passed && passed.outcome() == Outcome.OK) {
      text(answer)
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

  private static Optional<String> text(byte[] answer) {
    try {
      return new JsonObject(Buffer.buffer(answer)).getValue("choices") instanceof JsonArray choices
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

  private void fail(String why, Outcome outcome) {
    if (close(outcome, TokenUsage.NONE)) {
      failed.accept(why);
    }
  }

  @Override
  void failed(Trouble trouble) {
    failed.accept(
        switch (trouble) {
          case LATE -> "no answer within " + llm.timeout().toMillis() + " ms";
          case NO_SLOT -> "no pool of the model '" + llm.model() + "' has a slot for it";
          case TOO_LONG -> "its answer has more than " + ANSWER_MAX_BYTES + " bytes";
          case BROKEN -> "the call to it broke";
        });
  }
}
