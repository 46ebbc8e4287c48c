package io.penstock.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.fault.Fault;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class RequestLifeTest {
  private static final StreamDeadlines DEADLINES = new StreamDeadlines(10, 20, 30, 40, 50, 1_000);

  private static RequestLife streaming() {
    return new RequestLife(0, true, DEADLINES);
  }

  @Test
  void measuresEachPhase() {
    RequestLife life = streaming();
    life.queue(2, 20);
    life.connect(7);
    life.sent(8);
    life.firstContent(18);
    assertThat(life.finish(118)).isTrue();

    assertThat(life.routeMillis()).isEqualTo(2);
    assertThat(life.queueMillis()).isEqualTo(5);
    assertThat(life.timeToFirstTokenMillis()).isEqualTo(18);
    assertThat(life.grantToFirstContentMillis()).isEqualTo(11);
    assertThat(life.sinceGrantMillis(118)).isEqualTo(111);
    assertThat(life.generationMillis()).isEqualTo(100);
    assertThat(life.totalMillis()).isEqualTo(118);
    assertThat(life.endedIn()).isEqualTo(StreamState.STREAMING);
  }

  @Test
  void eachPhaseHasItsDeadline() {
    RequestLife life = streaming();
    assertThat(life.overdue(9)).isEmpty();
    assertThat(life.overdue(10)).contains(Fault.DEADLINE_EXCEEDED);
    life.queue(10, 25);
    assertThat(life.overdue(34)).isEmpty();
    assertThat(life.overdue(35)).contains(Fault.QUEUE_TIMEOUT);
    life.connect(35);
    assertThat(life.overdue(65)).contains(Fault.CONNECT_TIMEOUT);
    life.sent(65);
    assertThat(life.overdue(105)).contains(Fault.FIRST_TOKEN_TIMEOUT);
    life.firstContent(105);
    life.progress(150);
    assertThat(life.overdue(199)).isEmpty();
    assertThat(life.overdue(200)).contains(Fault.IDLE_TIMEOUT);
    life.progress(990);
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
    life.cancel(1_000);
    assertThat(life.overdue(5_000)).isEmpty();
  }

  @Test
  void anAnswerInOnePieceHasNoFirstTokenDeadline() {
    RequestLife life = new RequestLife(0, false, DEADLINES);
    life.queue(0, 20);
    life.connect(0);
    life.sent(0);
    assertThat(life.overdue(999)).isEmpty();
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
  }

  @Test
  void refusesWhatTheStateDoesNotAllow() {
    RequestLife life = streaming();
    assertThatThrownBy(() -> life.firstContent(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("RECEIVED does not allow STREAMING");
  }

  @Test
  void aRetryWaitsAndQueuesAgain() {
    RequestLife life = streaming();
    life.queue(2, 20);
    life.connect(7);
    life.sent(8);
    life.retry(30);
    assertThat(life.state()).isEqualTo(StreamState.RETRYING);
    assertThat(life.overdue(900)).as("a backoff has no deadline of its own").isEmpty();
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
    life.queue(80, 20);
    assertThat(life.overdue(100)).contains(Fault.QUEUE_TIMEOUT);
    life.connect(83);
    assertThat(life.sinceGrantMillis(90)).isEqualTo(7);
    life.sent(84);
    assertThat(life.overdue(124)).contains(Fault.FIRST_TOKEN_TIMEOUT);
    life.firstContent(100);
    assertThat(life.finish(110)).isTrue();

    assertThat(life.routeMillis()).isEqualTo(2);
    assertThat(life.queueMillis()).as("both waits").isEqualTo(5 + 3);
    assertThat(life.timeToFirstTokenMillis()).isEqualTo(100);
    assertThat(life.grantToFirstContentMillis()).isEqualTo(17);
    assertThat(life.resumes()).isZero();
    assertThat(life.gapMillis()).isEqualTo(-1);
  }

  @Test
  void aResumeHasTheStepsAndDeadlinesOfAnAttempt() {
    RequestLife life = streaming();
    life.queue(0, 20);
    life.connect(0);
    life.sent(0);
    life.firstContent(10);
    life.progress(40);
    life.resume(60);
    assertThat(life.state()).isEqualTo(StreamState.RESUMING);
    assertThat(life.overdue(900)).isEmpty();
    life.queue(60, 20);
    assertThat(life.state()).isEqualTo(StreamState.RESUMING);
    assertThat(life.step()).isEqualTo(StreamState.QUEUED);
    assertThat(life.overdue(79)).isEmpty();
    assertThat(life.overdue(80)).contains(Fault.QUEUE_TIMEOUT);
    life.connect(70);
    assertThat(life.overdue(100)).contains(Fault.CONNECT_TIMEOUT);
    life.resume(75);
    life.queue(75, 20);
    life.connect(76);
    life.sent(77);
    assertThat(life.overdue(117)).contains(Fault.FIRST_TOKEN_TIMEOUT);
    life.heldBack(110);
    assertThat(life.overdue(117)).as("the client reads slowly").isEmpty();
    assertThat(life.overdue(150)).contains(Fault.FIRST_TOKEN_TIMEOUT);
    assertThat(life.overdue(1_000)).contains(Fault.DEADLINE_EXCEEDED);
    life.firstContent(120);
    assertThat(life.state()).isEqualTo(StreamState.STREAMING);
    assertThat(life.overdue(170)).contains(Fault.IDLE_TIMEOUT);
    assertThat(life.resumes()).isEqualTo(2);
    assertThat(life.gapMillis()).as("from the last frame of the first replica").isEqualTo(80);
    assertThat(life.timeToFirstTokenMillis()).isEqualTo(10);
    assertThat(life.cancel(130)).isTrue();
    assertThat(life.endedIn()).isEqualTo(StreamState.STREAMING);
    assertThat(life.generationMillis()).isEqualTo(120);
  }

  @Test
  void withinAResumeTheStepsHaveTheirOrder() {
    RequestLife life = streaming();
    life.queue(0, 20);
    life.connect(0);
    life.sent(0);
    life.firstContent(1);
    life.resume(2);
    assertThatThrownBy(() -> life.connect(3)).hasMessage("RESUMING does not allow CONNECTING");
    life.queue(3, 20);
    assertThatThrownBy(() -> life.firstContent(4))
        .hasMessage("RESUMING (QUEUED) does not allow STREAMING");
    assertThatThrownBy(() -> life.finish(4))
        .hasMessage("RESUMING (QUEUED) does not allow FINISHED");
    assertThatThrownBy(() -> life.retry(4))
        .as("nothing is repeated once the client has content")
        .hasMessage("RESUMING (QUEUED) does not allow RETRYING");
    assertThat(life.state()).isEqualTo(StreamState.RESUMING);
    assertThat(life.cancel(5)).isTrue();
    assertThat(life.endedIn()).isEqualTo(StreamState.RESUMING);
  }

  @Test
  void aDraftIsTheAnswerWhenTheTierAboveHasFailed() {
    RequestLife life = streaming();
    life.queue(0, 20);
    life.connect(1);
    life.sent(2);
    assertThatThrownBy(() -> life.finishWithDraft(3))
        .as("there is none")
        .hasMessage("AWAITING_FIRST does not allow FINISHED");
    life.draft(10);
    life.judge(20);
    life.retry(25);
    life.queue(25, 20);
    assertThatThrownBy(() -> life.finish(30)).hasMessage("QUEUED does not allow FINISHED");
    assertThat(life.finishWithDraft(30)).isTrue();
    assertThat(life.finishWithDraft(31)).isFalse();
    assertThat(life.timeToFirstTokenMillis()).isEqualTo(30);
    assertThat(life.queueMillis()).isEqualTo(1 + 5);
    assertThat(life.endedIn()).isEqualTo(StreamState.QUEUED);
  }

  /** Whatever comes in whatever order: one end, nothing after it, and no state left by two ways. */
  @Property
  void endsExactlyOnce(@ForAll long seed, @ForAll boolean streams) {
    Random random = new Random(seed);
    RequestLife life = new RequestLife(0, streams, DEADLINES);
    int ends = 0;
    boolean content = false;
    for (int now = 1; now < 100; now++) {
      StreamState before = life.state();
      StreamState stepBefore = life.step();
      boolean moved = true;
      try {
        switch (event(random)) {
          case 0 -> life.queue(now, 20);
          case 1 -> life.connect(now);
          case 2 -> life.sent(now);
          case 3 -> {
            life.firstContent(now);
            content = true;
          }
          case 4 -> life.progress(now);
          case 5 -> life.heldBack(now);
          case 6 -> life.retry(now);
          case 7 -> life.resume(now);
          case 8 -> ends += life.finish(now) ? 1 : 0;
          case 9 -> ends += life.cancel(now) ? 1 : 0;
          case 11 -> life.draft(now);
          case 12 -> life.judge(now);
          case 13 -> ends += life.finishWithDraft(now) ? 1 : 0;
          default -> ends += life.fail(now) ? 1 : 0;
        }
      } catch (IllegalStateException notAllowed) {
        moved = false;
        assertThat(life.state()).isEqualTo(before);
        assertThat(life.step()).isEqualTo(stepBefore);
      }
      if (moved && life.state() != before) {
        assertThat(before.allows(life.state())).isTrue();
      }
      assertThat(before.isFinal() && life.state() != before).isFalse();
      assertThat(ends).isEqualTo(life.state().isFinal() ? 1 : 0);
      if (content) {
        assertThat(life.state())
            .as("content was sent: nothing leads back before the commit")
            .isIn(
                StreamState.STREAMING,
                StreamState.RESUMING,
                StreamState.FINISHED,
                StreamState.CANCELLED,
                StreamState.FAILED);
      }
      assertThat(life.overdue(now).isPresent() && life.state().isFinal()).isFalse();
      assertThat(life.overdue(1_000).isPresent())
          .as("the total deadline goes on over all attempts")
          .isEqualTo(!life.state().isFinal());
      assertThat(life.queueMillis()).isLessThanOrEqualTo(now);
    }
    if (!life.state().isFinal()) {
      assertThat(life.fail(100)).isTrue();
    }
    assertThat(life.fail(101) || life.cancel(101) || life.finish(101)).isFalse();
  }

  /** Ends are rare, so that long lives are seen too. */
  private static int event(Random random) {
    int event = random.nextInt(10);
    if (event >= 8) {
      return event + 3; // a draft, and its judgement
    }
    return event < 7 || random.nextInt(4) > 0
        ? event
        : List.of(8, 9, 10, 13).get(random.nextInt(4));
  }
}
