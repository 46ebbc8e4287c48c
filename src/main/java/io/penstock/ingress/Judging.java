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
    /** A judge failed, and answers are taken then. */
    UNJUDGED("unjudged");

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
  private final Consumer<Verdict> then;
  private Runnable cancel = () -> {};
  private boolean over;
  private boolean failed;

  /**
   * @param then told the verdict, perhaps at once
   */
  Judging(Panel panel, CascadePolicy policy, Case of, Consumer<Verdict> then) {
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
      end(Verdict.REJECTED);
    } else {
      askHook();
    }
  }

  private void askHook() {
    if (policy.hook().isEmpty()) {
      askModel();
      return;
    }
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
      end(failed ? Verdict.UNJUDGED : Verdict.ACCEPTED);
      return;
    }
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
    end(failed ? Verdict.UNJUDGED : Verdict.ACCEPTED);
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
      end(Verdict.REJECTED);
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
      end(Verdict.REJECTED);
    }
  }

  private void end(Verdict verdict) {
    if (!over) {
      over = true;
      then.accept(verdict);
    }
  }

  /** Nobody wants to know any more. */
  void cancel() {
    if (!over) {
      over = true;
      cancel.run();
    }
  }

  private static boolean isJson(String text) {
    try {
      Json.decodeValue(text);
      return !text.isBlank();
    } catch (DecodeException no) {
      return false;
    }
  }
}
