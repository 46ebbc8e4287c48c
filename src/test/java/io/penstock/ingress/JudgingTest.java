package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.TierName;
import io.penstock.tiers.Draft;
import io.penstock.tiers.QualityHook;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Judges one after the other, as a panel that answers when the test says so. */
class JudgingTest {
  private final List<String> counted = new ArrayList<>();
  private final List<String> cancelled = new ArrayList<>();
  private final List<Judging.Ruling> rulings = new ArrayList<>();
  private final List<DoubleConsumer> hookSays = new ArrayList<>();
  private final List<Consumer<String>> hookFails = new ArrayList<>();
  private final List<Consumer<String>> modelSays = new ArrayList<>();
  private final List<Consumer<String>> modelFails = new ArrayList<>();

  private final Judging.Panel panel =
      new Judging.Panel() {
        @Override
        public Runnable hook(
            CascadePolicy.Hook at,
            QualityHook.Question question,
            DoubleConsumer quality,
            Consumer<String> failed) {
          hookSays.add(quality);
          hookFails.add(failed);
          return () -> cancelled.add("hook");
        }

        @Override
        public Runnable model(
            CascadePolicy.Llm llm, Draft draft, Consumer<String> said, Consumer<String> failed) {
          modelSays.add(said);
          modelFails.add(failed);
          return () -> cancelled.add("model");
        }

        @Override
        public void count(String judge, String outcome) {
          counted.add(judge + " " + outcome);
        }
      };

  private List<Judging.Verdict> verdicts() {
    return rulings.stream().map(Judging.Ruling::verdict).toList();
  }

  private Judging begin(boolean accepts, String text) {
    CascadePolicy policy =
        new CascadePolicy(
            2,
            1_024,
            1_024,
            0,
            accepts,
            true,
            Optional.of(new CascadePolicy.Hook("http://h", Duration.ofSeconds(1))),
            Optional.of(
                new CascadePolicy.Llm(new ModelName("j"), "{answer}", Duration.ofSeconds(1))));
    Judging judging =
        new Judging(
            panel,
            policy,
            new Judging.Case(
                "r",
                new TierName("fast"),
                new ModelName("m"),
                new Draft("q", false, text, "stop", false, OptionalDouble.empty()),
                0.8),
            rulings::add);
    judging.begin();
    return judging;
  }

  @Test
  void rulesSpareTheOthers() {
    begin(true, "");
    assertThat(verdicts()).containsExactly(Judging.Verdict.REJECTED);
    assertThat(hookSays).isEmpty();
    assertThat(counted).containsExactly("rules rejected");
  }

  @Test
  void allHaveToAgree() {
    begin(true, "good");
    hookSays.get(0).accept(0.8);
    assertThat(rulings).isEmpty();
    modelSays.get(0).accept("0.8");
    assertThat(verdicts()).containsExactly(Judging.Verdict.ACCEPTED);
    assertThat(counted).containsExactly("rules accepted", "hook accepted", "llm accepted");
  }

  @Test
  void theFirstThatDoesNotIsTheLast() {
    begin(true, "good");
    hookSays.get(0).accept(0.79);
    assertThat(verdicts()).containsExactly(Judging.Verdict.REJECTED);
    assertThat(modelSays).isEmpty();
  }

  @Test
  void whoeverFailsIsPassedOverWhereAnswersAreTakenThen() {
    begin(true, "good");
    hookFails.get(0).accept("down");
    modelSays.get(0).accept("1");
    assertThat(verdicts()).containsExactly(Judging.Verdict.UNJUDGED);
    assertThat(counted).containsExactly("rules accepted", "hook failed", "llm accepted");
  }

  @Test
  void theOthersStillCountWhereOneHasFailed() {
    begin(true, "good");
    hookFails.get(0).accept("down");
    modelSays.get(0).accept("0.1");
    assertThat(verdicts()).containsExactly(Judging.Verdict.REJECTED);
  }

  @Test
  void aFailureIsARejectionWhereThatIsConfigured() {
    begin(false, "good");
    hookSays.get(0).accept(1);
    modelSays.get(0).accept("very good");
    assertThat(verdicts()).containsExactly(Judging.Verdict.REJECTED);
    assertThat(counted).containsExactly("rules accepted", "hook accepted", "llm failed");
  }

  /** A model that judges may well repeat what it was shown. */
  @Test
  void whatAJudgeSaysIsNotLogged() {
    List<String> log = new CopyOnWriteArrayList<>();
    AppenderBase<ILoggingEvent> appender =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            log.add(event.getFormattedMessage());
          }
        };
    Logger logger = (Logger) LoggerFactory.getLogger(Judging.class);
    appender.start();
    logger.addAppender(appender);
    try {
      begin(true, "good");
      hookSays.get(0).accept(1);
      modelSays.get(0).accept("my IBAN is DE89");
    } finally {
      logger.detachAppender(appender);
    }
    assertThat(log)
        .anyMatch(line -> line.contains("15 characters"))
        .noneMatch(line -> line.contains("IBAN"));
  }

  @Test
  void whoIsCancelledHearsOfItAndSaysNothingAnyMore() {
    Judging judging = begin(true, "good");
    hookSays.get(0).accept(1);
    judging.cancel();
    assertThat(cancelled).containsExactly("hook", "model");
    modelSays.get(0).accept("1");
    modelFails.get(0).accept("late");
    judging.cancel();
    assertThat(rulings).isEmpty();
    assertThat(cancelled).hasSize(2);
  }
}
