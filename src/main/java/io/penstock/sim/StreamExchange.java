package io.penstock.sim;

import io.penstock.inference.Operation;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A streamed answer. The core says how many tokens exist; frames are rendered from that count when
 * the wire has room, all that are due in one write.
 */
final class StreamExchange extends Exchange {
  private static final int WRITE_BYTES = 16 << 10;

  private final GenerationRequest request;
  private final Frames frames;
  private final List<Answer> answers;
  private final int[] available;
  private final int[] shown;
  private final int[] shownChars;
  private final boolean[] opened;
  private final int promptTokens;
  private int choicesDone;
  private int tokensShown;
  private int framesSent;
  private boolean usageSent;
  private boolean faultFired;
  private boolean standing;

  StreamExchange(
      Replica replica,
      Wire wire,
      @Nullable SimFault fault,
      GenerationRequest request,
      Frames frames) {
    super(replica, wire, fault);
    this.request = request;
    this.frames = frames;
    this.answers = request.answers();
    this.available = new int[answers.size()];
    this.shown = new int[answers.size()];
    this.shownChars = new int[answers.size()];
    this.opened = new boolean[answers.size()];
    this.promptTokens = request.prompts().stream().mapToInt(Prompt::tokens).sum();
  }

  @Override
  String contentType() {
    return "text/event-stream; charset=utf-8";
  }

  @Override
  void open() {
    wire().onDrain(this::pump);
    wire().head(200, contentType(), -1);
    for (int i = 0; i < answers.size(); i++) {
      submit(request.prompts().get(i / request.n()), answers.get(i).tokens());
    }
    pump(); // a fault may be due before the first frame
  }

  @Override
  void progress(int choice, int count) {
    available[choice] += count;
    pump();
  }

  private void pump() {
    while (!hasEnded() && !standing && !wire().isFull()) {
      Buffer due = Buffer.buffer();
      boolean more = true;
      while (more && due.length() < WRITE_BYTES && !faultDue()) {
        more = nextFrame(due);
      }
      if (due.length() > 0) {
        wire().write(due);
      }
      if (hasEnded()) {
        return;
      }
      if (faultDue()) {
        strike();
      } else if (choicesDone == answers.size() && usageDone()) {
        finish();
      } else if (due.length() == 0) {
        return; // nothing due yet
      }
    }
  }

  private boolean usageDone() {
    return !request.includeUsage() || usageSent;
  }

  private boolean faultDue() {
    SimFault fault = fault();
    if (fault == null || faultFired || !isOfStream(fault)) {
      return false;
    }
    return framesSent >= fault.after() || (choicesDone == answers.size() && usageDone());
  }

  private static boolean isOfStream(SimFault fault) {
    return switch (fault.kind()) {
      case RESET, EOF, STALL, MALFORMED, HUGE, ERROR -> true;
      default -> false;
    };
  }

  private void strike() {
    SimFault fault = Objects.requireNonNull(fault());
    faultFired = true;
    Buffer extra = Buffer.buffer();
    switch (fault.kind()) {
      case RESET -> {
        end(Ending.FAULTED);
        wire().reset();
      }
      case EOF -> {
        end(Ending.FAULTED);
        wire().end();
      }
      case ERROR -> {
        extra
            .appendString("data: ")
            .appendBytes(
                Json.error("simulated fault in mid-stream", "internal_error", null, "simulated"))
            .appendString("\n\n")
            .appendBuffer(Frames.DONE);
        end(Ending.FAULTED);
        wire().write(extra);
        wire().end();
      }
      case STALL -> {
        standing = true;
        after(
            fault.millis(),
            () -> {
              standing = false;
              pump();
            });
      }
      case MALFORMED -> {
        frames.malformed(extra);
        wire().write(extra);
      }
      case HUGE -> {
        frames.huge(extra, fault.bytes());
        wire().write(extra);
      }
      default -> throw new IllegalStateException("not a fault of a stream: " + fault.kind());
    }
  }

  private void finish() {
    wire().write(Frames.DONE.copy());
    wire().end();
    end(Ending.FINISHED);
  }

  /** Renders one more frame, of the choice that is furthest behind; false when none is due. */
  private boolean nextFrame(Buffer into) {
    int choice = -1;
    for (int i = 0; i < answers.size(); i++) {
      if (shown[i] < available[i] && (choice < 0 || shown[i] < shown[choice])) {
        choice = i;
      }
    }
    if (choice >= 0) {
      if (!opened[choice] && opensWithRole(choice)) {
        frames.role(into, choice, continuousUsage());
      } else {
        token(into, choice);
      }
      opened[choice] = true;
    } else if (choicesDone == answers.size() && !usageDone()) {
      frames.usage(into, usage());
      usageSent = true;
    } else {
      return false;
    }
    framesSent++;
    return true;
  }

  private boolean opensWithRole(int choice) {
    return request.operation() == Operation.CHAT && shown[choice] == 0;
  }

  private void token(Buffer into, int choice) {
    Answer answer = answers.get(choice);
    boolean last = answer.atLast();
    String finish = last ? answer.finishReason() : null;
    Token token = answer.next();
    shown[choice]++;
    tokensShown++;
    Usage usage = continuousUsage();
    Answer.ToolCall call = answer.tool();
    if (call == null) {
      String logprobs = request.logprobs() ? frames.logprobs(token, shownChars[choice]) : null;
      frames.token(into, choice, token, logprobs, finish, usage);
    } else if (shown[choice] == 1) {
      frames.toolName(into, choice, call, finish, usage);
    } else {
      frames.toolArguments(into, choice, token, finish, usage);
    }
    shownChars[choice] += token.text().length();
    if (last) {
      choicesDone++;
      replica().onAnswered(answer.finishReason());
    }
  }

  private @Nullable Usage continuousUsage() {
    return request.continuousUsage() ? usage() : null;
  }

  private Usage usage() {
    return new Usage(promptTokens, tokensShown, cachedTokens(request.n()));
  }
}
