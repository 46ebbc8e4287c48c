package io.penstock.stream;

import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.TokenUsage;
import io.penstock.openai.Continuation;
import io.penstock.openai.PartialAnswer;
import io.penstock.openai.ResumeRefusal;
import io.penstock.openai.ResumeRequest;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.Spliced;
import io.penstock.openai.UsageReporting;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether and how a stream that breaks goes on at another replica. Pure; one per request, fed with
 * everything that its client is sent.
 *
 * <p>The caller's part: {@link #relayed} after each write; when an attempt breaks, {@link #broke};
 * unless that refuses, a slot on another replica of the pool; with it {@link #refusedBy}; then
 * {@link #body} is sent, and what comes back is fed to the relay that {@link #relay} makes. An
 * attempt of which nothing was relayed, or that never reached its engine, counts like any other.
 *
 * <p>Decisions. A stream that has its finish reason but not {@code [DONE]} is not resumed, since no
 * text is missing, and is not finished either: that word is the engine's, and usage may still have
 * been to come; the client is told the truth, that the text is whole and its end not confirmed. The
 * same where as many tokens came as were asked for. A stream of which no text was relayed starts
 * anew with the request as it came, so that most of what forbids a resume does not matter yet.
 */
public final class StreamResume {
  /** Attempts after the first. */
  public static final int RESUMES_MAX = 2;

  private final ScannedBody scan;
  private final ResumeMode mode;
  private final RelayLog log = new RelayLog();
  private @Nullable ResumeRefusal refusal;
  private @Nullable ResumeRequest request;
  private @Nullable PartialAnswer partial;
  private @Nullable Continuation current;
  private TokenUsage spent = TokenUsage.NONE;
  private int tokensLeft = Integer.MAX_VALUE;

  private boolean attemptCounted;
  private int resumes;

  /**
   * For a request that streams.
   *
   * @param mode of the pool
   * @param wanted whether the client has not turned it off
   */
  public StreamResume(ScannedBody scan, ResumeMode mode, boolean wanted) {
    this.scan = scan;
    this.mode = mode;
    this.refusal = ofRequest(scan, mode, wanted);
    if (refusal != null) {
      log.close();
    }
  }

  private static @Nullable ResumeRefusal ofRequest(
      ScannedBody scan, ResumeMode mode, boolean wanted) {
    if (!wanted) {
      return ResumeRefusal.CLIENT_OFF;
    }
    if (mode == ResumeMode.OFF) {
      return ResumeRefusal.POOL_OFF;
    }
    if (scan.choices() > 1) {
      return ResumeRefusal.CHOICES;
    }
    if (!scan.stream() || scan.operation() == Operation.EMBEDDINGS || scan.inputs() > 1) {
      return ResumeRefusal.REQUEST_FORM;
    }
    if (scan.needs().contains(Capability.LOGPROBS)) {
      return ResumeRefusal.LOGPROBS;
    }
    return scan.needs().contains(Capability.JSON_SCHEMA) ? ResumeRefusal.CONSTRAINED : null;
  }

  /**
   * Why the stream can not go on, as far as it is known; while it is empty the body of the request
   * has to be kept.
   */
  public Optional<ResumeRefusal> refusal() {
    return Optional.ofNullable(refusal);
  }

  /** These frames have been written to the client. */
  public void relayed(List<Slice> frames) {
    if (refusal != null) {
      return;
    }
    for (int i = 0; i < frames.size(); i++) {
      log.add(frames.get(i));
    }
    if (!log.isComplete()) {
      refusal = ResumeRefusal.TOO_LARGE;
    }
  }

  /** Memory that is taken to keep the frames. */
  public long keptBytes() {
    return log.bytes();
  }

  /**
   * The attempt has ended without {@code [DONE]}; all that its relay let through has been told to
   * {@link #relayed}.
   *
   * @param body as the client sent it
   * @param relay of the attempt
   * @return why the stream can not go on; empty when it can, as far as is known without a replica
   */
  public Optional<ResumeRefusal> broke(byte[] body, StreamRelay relay) {
    count(relay);
    if (refusal == null) {
      refusal = judge(body);
      if (refusal != null) {
        log.close();
      }
    }
    return refusal();
  }

  /** The same for an attempt that ended before it had a relay. */
  public Optional<ResumeRefusal> broke(byte[] body) {
    if (refusal == null) {
      refusal = judge(body);
      if (refusal != null) {
        log.close();
      }
    }
    return refusal();
  }

  private void count(StreamRelay relay) {
    if (attemptCounted) {
      throw new IllegalStateException("the attempt has been counted");
    }
    attemptCounted = true;
    if (current == null) {
      TokenUsage told = relay.usage();
      spent =
          new TokenUsage(
              told.promptTokens(),
              Math.max(told.completionTokens(), relay.payloadFrames()),
              told.cachedTokens());
    } else {
      spent = current.usage();
    }
  }

  private @Nullable ResumeRefusal judge(byte[] body) {
    if (resumes >= RESUMES_MAX) {
      return ResumeRefusal.TOO_MANY;
    }
    PartialAnswer relayed = PartialAnswer.of(log.slices());
    ResumeRequest asked = ResumeRequest.read(body, scan);
    partial = relayed;
    request = asked;
    if (relayed.obstacle().isPresent()) {
      return relayed.obstacle().get();
    }
    if (!relayed.isEmpty()) {
      if (asked.obstacle().isPresent()) {
        return asked.obstacle().get();
      }
      if (asked.isSpent(keptTokens(relayed))) {
        return ResumeRefusal.FINISHED;
      }
    }
    return null;
  }

  /** Tokens of the text that goes into the next prompt. */
  private int keptTokens(PartialAnswer relayed) {
    if (scan.operation() == Operation.COMPLETION) {
      return spent.completionTokens();
    }
    return relayed.isBlank() ? 0 : Math.max(0, spent.completionTokens() - relayed.blankTail());
  }

  /**
   * Whether the replica that has been granted can not go on with the answer.
   *
   * @param says what its API description says; empty when it is not known
   */
  public Optional<ResumeRefusal> refusedBy(EngineKind engine, Optional<Boolean> says) {
    if (scan.operation() == Operation.COMPLETION) {
      int left = required(request).left(spent.completionTokens(), isLimitedByDefault(engine));
      return left == 0 && !required(partial).isEmpty()
          ? Optional.of(ResumeRefusal.FINISHED)
          : Optional.empty();
    }
    if (required(partial).isBlank()) {
      return Optional.empty();
    }
    return wayOf(mode, engine, says).isPresent()
        ? Optional.empty()
        : Optional.of(ResumeRefusal.ENGINE);
  }

  /** Whether it stops a completion that names no limit of tokens after 16, as the API has it. */
  private static boolean isLimitedByDefault(EngineKind engine) {
    return switch (engine) {
      case VLLM, SGLANG -> true;
      case TGI, TENSORRT_LLM, LLAMA_CPP, OPENAI -> false;
    };
  }

  /**
   * How an engine is asked; empty where it can not be. What is configured is believed. Of itself
   * vLLM and SGLang are asked unless their API says that they can not, the others only where it
   * says that they can.
   */
  static Optional<ResumeMode> wayOf(ResumeMode mode, EngineKind engine, Optional<Boolean> says) {
    return switch (mode) {
      case OFF -> Optional.empty();
      case CONTINUE_FINAL_MESSAGE, PREFIX -> Optional.of(mode);
      case AUTO -> {
        boolean usual =
            switch (engine) {
              case VLLM, SGLANG -> true;
              case TGI, TENSORRT_LLM, LLAMA_CPP, OPENAI -> false;
            };
        yield says.orElse(usual)
            ? Optional.of(ResumeMode.CONTINUE_FINAL_MESSAGE)
            : Optional.empty();
      }
    };
  }

  /**
   * The body for the granted replica. Counts as a resume.
   *
   * @param model the engine's name for the model
   * @param ask the usage that the engine shall report
   */
  public Spliced body(
      EngineKind engine, Optional<Boolean> says, ModelName model, UsageReporting ask) {
    PartialAnswer relayed = required(partial);
    boolean defaultLimit = isLimitedByDefault(engine);
    tokensLeft = required(request).left(spent.completionTokens(), defaultLimit);
    resumes++;
    return required(request)
        .body(
            relayed,
            wayOf(mode, engine, says).orElse(ResumeMode.CONTINUE_FINAL_MESSAGE),
            keptTokens(relayed),
            defaultLimit,
            model,
            ask);
  }

  /** The relay for what the granted replica answers: frames of it are frames of the one stream. */
  public StreamRelay relay(UsageReporting client, UsageReporting ask) {
    PartialAnswer relayed = required(partial);
    Continuation next =
        new Continuation(scan.operation(), relayed, spent, keptTokens(relayed), tokensLeft);
    current = next;
    attemptCounted = false;
    return new StreamRelay(client, ask, next);
  }

  /** Resumes so far. */
  public int resumes() {
    return resumes;
  }

  /**
   * Tokens of all attempts: the prompt's of the first, and those of the text that the client was
   * sent, however often an engine had to generate one. Before a first {@link #broke} there are
   * none: the relay knows them.
   */
  public TokenUsage usage() {
    return attemptCounted || current == null ? spent : current.usage();
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("the stream has not broken");
    }
    return value;
  }
}
