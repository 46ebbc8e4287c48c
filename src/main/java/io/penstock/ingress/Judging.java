package io.penstock.ingress;

import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.TierName;
import io.penstock.tiers.Draft;
import io.penstock.tiers.JudgeAnswer;
import io.penstock.tiers.QualityHook;
import io.penstock.tiers.RuleJudge;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The judges of one draft, one after the other: rules, the hook, the model. The least quality
 * counts, so whoever finds it below the threshold is the last that is asked. A judge that fails
 * stands for what the policy says. Ends once, or never after {@link #cancel}.
 */
final class Judging {
  private static final Logger LOG = LoggerFactory.getLogger(Judging.class);

  /** What becomes of a draft. */
  enum Verdict {
    /** It is the answer. */
    ACCEPTED("accepted"),
    /** It is not good enough. */
    REJECTED("rejected"),
    /** A judge failed, and answers are taken then; or it was too long to be held. */
    UNJUDGED("unjudged"),
    /** There was no room to hold it, and it is the answer. */
    NO_ROOM("no_room");

    private final String label;

    Verdict(String label) {
      this.label = label;
    }

    /** The name in metrics. */
    String label() {
      return label;
    }
  }

  /**
   * What the judges have made of a draft.
   *
   * @param quality the least that was found; empty where nobody has said a number
   * @param by who has rejected it: the rule, {@code hook}, {@code llm}; {@code hook_failed}, {@code
   *     llm_failed}; empty where it was not rejected
   */
  record Ruling(Verdict verdict, OptionalDouble quality, String by) {
    private static Ruling of(Verdict verdict) {
      return new Ruling(verdict, OptionalDouble.empty(), "");
    }

    private static Ruling rejected(OptionalDouble quality, String by) {
      return new Ruling(Verdict.REJECTED, quality, by);
    }

    /**
     * What is better is more; a draft that nobody has found bad is better than any that one has.
     */
    double rank() {
      return quality.orElse(1);
    }
  }

  /**
   * What it is about.
   *
   * @param requestId as the client knows it
   */
  record Case(String requestId, TierName tier, ModelName model, Draft draft, double threshold) {}

  /** Whom it asks. Each question is answered once, perhaps at once, or never after a cancel. */
  interface Panel {
    /** A judge outside; what is returned cancels the question. */
    Runnable hook(
        CascadePolicy.Hook at,
        QualityHook.Question question,
        DoubleConsumer quality,
        Consumer<String> failed);

    /** A model of the fleet; what is returned cancels the question. */
    Runnable model(
        CascadePolicy.Llm llm, Draft draft, Consumer<String> said, Consumer<String> failed);

    /** A judge has spoken, or failed. */
    void count(String judge, String outcome);
  }

  private final Panel panel;
  private final CascadePolicy policy;
  private final Case of;
  private final Consumer<Ruling> then;
  private Runnable cancel = () -> {};
  private String asked = "";
  private boolean over;
  private boolean failed;

  /**
   * @param then told the ruling, perhaps at once
   */
  Judging(Panel panel, CascadePolicy policy, Case of, Consumer<Ruling> then) {
    this.panel = panel;
    this.policy = policy;
    this.of = of;
    this.then = then;
  }

  void begin() {
    Optional<String> fault = RuleJudge.fault(of.draft(), policy.minMeanLogprob(), Judging::isJson);
    panel.count("rules", fault.isPresent() ? "rejected" : "accepted");
    if (fault.isPresent()) {
      LOG.debug("{}: {}: {}", of.requestId(), of.tier(), fault.get());
      end(Ruling.rejected(OptionalDouble.of(0), fault.get()));
    } else {
      askHook();
    }
  }

  private void askHook() {
    if (policy.hook().isEmpty()) {
      askModel();
      return;
    }
    asked = "hook";
    cancelBy(
        panel.hook(
            policy.hook().get(),
            new QualityHook.Question(
                of.requestId(), of.tier().value(), of.model().value(), of.draft(), of.threshold()),
            quality -> judged("hook", quality, this::askModel),
            why -> failed("hook", why, this::askModel)));
  }

  private void askModel() {
    if (policy.llm().isEmpty()) {
      conclude();
      return;
    }
    asked = "llm";
    cancelBy(
        panel.model(
            policy.llm().get(),
            of.draft(),
            said ->
                JudgeAnswer.quality(said)
                    .ifPresentOrElse(
                        quality -> judged("llm", quality, this::conclude),
                        () ->
                            failed(
                                "llm",
                                "it said no number from 0 to 1, but "
                                    + said.length()
                                    + " characters", // which may be the prompt's
                                this::conclude)),
            why -> failed("llm", why, this::conclude)));
  }

  /** The one that was asked may have answered already, and another been asked since. */
  private void cancelBy(Runnable last) {
    Runnable before = cancel;
    cancel =
        () -> {
          before.run();
          last.run();
        };
  }

  private void conclude() {
    end(Ruling.of(failed ? Verdict.UNJUDGED : Verdict.ACCEPTED));
  }

  private void judged(String judge, double quality, Runnable next) {
    if (over) {
      return;
    }
    boolean enough = quality >= of.threshold();
    panel.count(judge, enough ? "accepted" : "rejected");
    if (enough) {
      next.run();
    } else {
      end(Ruling.rejected(OptionalDouble.of(quality), judge));
    }
  }

  private void failed(String judge, String why, Runnable next) {
    if (over) {
      return;
    }
    LOG.info("{}: judge {} failed: {}", of.requestId(), judge, why);
    panel.count(judge, "failed");
    failed = true;
    if (policy.acceptsOnFailure()) {
      next.run();
    } else {
      end(Ruling.rejected(OptionalDouble.empty(), judge + "_failed"));
    }
  }

  private void end(Ruling ruling) {
    if (!over) {
      over = true;
      then.accept(ruling);
    }
  }

  /** The request has no time left to wait for the judge that is asked: it has failed. */
  void expire() {
    if (!over) {
      over = true;
      cancel.run();
      panel.count(asked, "failed");
      then.accept(
          policy.acceptsOnFailure()
              ? Ruling.of(Verdict.UNJUDGED)
              : Ruling.rejected(OptionalDouble.empty(), asked + "_failed"));
    }
  }

  /** Nobody wants to know any more. */
  void cancel() {
    if (!over) {
      over = true;
      cancel.run();
    }
  }

  static boolean isJson(String text) {
    try {
      Json.decodeValue(text);
      return !text.isBlank();
    } catch (DecodeException no) {
      return false;
    }
  }
}
