package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import io.penstock.openai.ChoiceJson.Choice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Takes the event stream of a completions call for several requests apart: each gets what the
 * engine would have told it alone, as a stream or in one piece, with index 0 and an id of its own.
 * Pure; one per call.
 *
 * <p>A request ends with its own finish reason, or is cut at its own {@code max_tokens} with {@code
 * length}, whatever the others do. Its tokens are counted by its frames, of which engines send one
 * a token. What its prompt came to only the engine knows, and tells once, at the end and of all
 * prompts together. So whoever is told its usage (all that do not stream, and streams that ask for
 * it) has its text when it is there and its end with the call's: its part of the prompts' tokens by
 * the length of its own, so that the parts add up. Where the engine counts more tokens than it sent
 * frames, those that were not cut share the count by their frames. Nobody waits for a count that
 * would cost tokens that nobody reads: when the engine goes on for none that is still here, by more
 * than the step that it is in, or breaks off, prompts are told as they are estimated everywhere.
 */
public final class CompletionSplit {
  /** Hears what comes of it. Nothing more comes of a request that has ended. */
  public interface Outlet {
    /** Frames of a stream. */
    void more(int lane, byte[] frames);

    /** A stream has ended, with all that belongs to its end. */
    void done(int lane);

    /** The answer to a request that does not stream. */
    void whole(int lane, byte[] answer);

    /** The engine was done and had not ended this one, or said more than is held. */
    void broken(int lane);
  }

  /** Where the call stands. */
  public enum Verdict {
    GOING,
    /** The engine said {@code [DONE]}. */
    DONE,
    /** The engine said that it failed; see {@link #engineError}. */
    ERROR,
    /** What came is not the dialect. */
    MALFORMED
  }

  private final List<CompletionLane> lanes = new ArrayList<>();
  private final int mostTokens;
  private final Outlet outlet;
  private final SseScanner scanner = new SseScanner(this::onFrame);
  private final FrameReader reader = new FrameReader();
  private final ChoiceJson json = new ChoiceJson();
  private Verdict verdict = Verdict.GOING;
  private Optional<Slice> engineError = Optional.empty();
  private boolean begun;
  private @Nullable TokenUsage total;
  private long[] prompts = {};
  private long[] cached = {};
  private long[] generated = {};

  /**
   * @param bodies in the order of the call, as {@link LaneBody#join} was given them
   */
  public CompletionSplit(List<LaneBody> bodies, Outlet outlet) {
    this.outlet = outlet;
    mostTokens = LaneBody.mostTokens(bodies);
    for (LaneBody each : bodies) {
      lanes.add(new CompletionLane(lanes.size(), each, each.maxTokens() < mostTokens));
    }
  }

  /** Takes what has arrived. */
  public Verdict feed(Slice arrived) {
    scanner.feed(arrived);
    return verdict;
  }

  /** The engine has closed the stream, or broken it off: who has all of its text ends. */
  public Verdict end() {
    if (verdict == Verdict.GOING) {
      scanner.end();
    }
    endWaiting();
    return verdict;
  }

  /** A request's client has left. */
  public void left(int lane) {
    lanes.get(lane).over();
    if (verdict == Verdict.GOING) {
      endForNobody();
    }
  }

  private void onFrame(SseFrame frame) {
    if (verdict != Verdict.GOING) {
      return;
    }
    switch (frame.kind()) {
      case CONTENT, EMPTY -> choices(frame);
      case USAGE_ONLY -> total(frame.usage());
      case DONE -> {
        verdict = Verdict.DONE;
        endWaiting();
        for (int i = 0; i < lanes.size(); i++) {
          if (!lanes.get(i).isOver()) {
            lanes.get(i).over();
            outlet.broken(i);
          }
        }
      }
      case ERROR -> {
        verdict = Verdict.ERROR;
        engineError = Optional.of(frame.slice());
        endWaiting();
      }
      case MALFORMED, TOO_LARGE -> malformed();
      case COMMENT -> {}
    }
  }

  private void malformed() {
    verdict = Verdict.MALFORMED;
    endWaiting();
  }

  private void choices(SseFrame frame) {
    if (!json.read(frame.bytes(), reader.dataOf(frame), frame.usageMember().orElse(null))) {
      if (frame.kind() == SseFrame.Kind.CONTENT) {
        malformed();
      }
      return;
    }
    for (Choice each : json.all()) {
      if (each.index() < 0 || each.index() >= lanes.size()) {
        malformed();
        return;
      }
      take((int) each.index(), each);
    }
    endForNobody();
  }

  private void take(int number, Choice choice) {
    CompletionLane lane = lanes.get(number);
    begun = true;
    byte[] frame = lane.take(json, choice);
    if (frame.length > 0) {
      outlet.more(number, frame);
    }
    if (lane.isTooLong()) {
      lane.over();
      outlet.broken(number);
    } else if (lane.isWaiting() && (!lane.body().wantsUsage() || total != null)) {
      end(number);
    }
  }

  private void total(@Nullable TokenUsage told) {
    if (told == null) {
      return;
    }
    total = told;
    long[] weights = lanes.stream().mapToLong(each -> each.body().weight()).toArray();
    prompts = Shares.of(told.promptTokens(), weights);
    cached = Shares.of(told.cachedTokens(), weights);
    long frames = lanes.stream().mapToLong(CompletionLane::seen).sum();
    generated =
        told.completionTokens() > frames
            ? Shares.of(
                told.completionTokens(),
                lanes.stream().mapToLong(each -> Math.max(1, each.seen())).toArray())
            : new long[0];
    endWaiting();
  }

  private void endWaiting() {
    for (int i = 0; i < lanes.size(); i++) {
      if (lanes.get(i).isWaiting()) {
        end(i);
      }
    }
  }

  /** Ends those that only wait for a count, where what the engine still does is for nobody. */
  private void endForNobody() {
    if (any(CompletionLane::isWaiting) && !any(CompletionLane::isOpen) && any(this::goesOn)) {
      endWaiting();
    }
  }

  /** Whether the engine has more to say than what ends the step that it is in. */
  private boolean goesOn(CompletionLane lane) {
    return !lane.isFinished() && (mostTokens == 0 || lane.seen() < mostTokens - 1);
  }

  private boolean any(Predicate<CompletionLane> which) {
    return lanes.stream().anyMatch(which);
  }

  private void end(int number) {
    CompletionLane lane = lanes.get(number);
    boolean streams = lane.body().streams();
    byte[] last =
        total == null
            ? lane.end(lane.body().promptTokens(), 0, -1)
            : lane.end(
                (int) prompts[number],
                (int) cached[number],
                generated.length == 0 ? -1 : generated[number]);
    if (streams) {
      outlet.more(number, last);
      outlet.done(number);
    } else {
      outlet.whole(number, last);
    }
  }

  /** Whether the engine has said something. */
  public boolean hasBegun() {
    return begun;
  }

  /** Whether nobody waits for anything any more. */
  public boolean isOver() {
    return lanes.stream().allMatch(CompletionLane::isOver);
  }

  /** Whether the engine has ended every choice, and only its last words may be to come. */
  public boolean isFinished() {
    return lanes.stream().allMatch(CompletionLane::isFinished);
  }

  /** The frame in which the engine said that it failed. */
  public Optional<Slice> engineError() {
    return engineError;
  }

  /** Of the whole call: what the engine has told, else the prompts' estimates and the frames. */
  public TokenUsage usage() {
    if (total != null) {
      return total;
    }
    long prompt = lanes.stream().mapToLong(each -> each.body().promptTokens()).sum();
    int frames = lanes.stream().mapToInt(CompletionLane::seen).sum();
    return new TokenUsage((int) Math.min(prompt, Integer.MAX_VALUE), frames, 0);
  }
}
