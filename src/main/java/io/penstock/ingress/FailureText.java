package io.penstock.ingress;

import io.penstock.stream.FailureClass;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The words of failures that are not an engine's own. Pure. */
final class FailureText {
  private FailureText() {}

  static Failure unreachable(String who) {
    return Failure.of(FailureClass.UNREACHABLE, who + " could not be reached");
  }

  static Failure connectTimeout(String who, long limitMillis) {
    return Failure.of(
        FailureClass.CONNECT_TIMEOUT,
        who + " did not accept a connection within " + limitMillis + " ms (connect_ms)");
  }

  /**
   * @param answered whether a part of the answer has come
   */
  static Failure brokenOff(String who, boolean answered) {
    return Failure.of(
        FailureClass.BROKEN_OFF,
        "the connection to "
            + who
            + (answered
                ? " broke before all of its answer was there"
                : " broke before it answered"));
  }

  static Failure brokeInMidStream(String who) {
    return Failure.of(FailureClass.TRUNCATED, "the connection to " + who + " broke in mid-stream");
  }

  /**
   * An answer that was not as its transfer coding has it.
   *
   * @param what came instead
   */
  static Failure badFraming(String who, @Nullable String what) {
    return Failure.of(
        FailureClass.MALFORMED,
        who + " sent " + what + " (expected: the chunked coding, RFC 9112, 7.1)");
  }

  static Failure endedEarly(String who) {
    return Failure.of(FailureClass.TRUNCATED, who + " ended its answer before it was complete");
  }

  /**
   * A stream that came by a call that several requests shared.
   *
   * @param why it comes no more
   */
  static Failure sharedCallLost(String who, @Nullable String why) {
    return Failure.of(
        FailureClass.TRUNCATED,
        "the call to " + who + " that this request shared was lost in mid-stream: " + why);
  }

  /** An answer to a call that several requests share. */
  static Failure notSplit(String who) {
    return Failure.of(
        FailureClass.MALFORMED,
        who + " was asked for the answers to several requests and sent something else");
  }

  /** Of a client that held up the others of a call. */
  static Failure readTooSlowly(String who) {
    return Failure.of(
        FailureClass.CLIENT_TOO_SLOW,
        "more than "
            + (CompletionsCall.UNREAD_MAX_BYTES >> 10)
            + " KiB of this stream waited to be read for half of idle_ms, and the other requests of"
            + " its call to "
            + who
            + " waited with it");
  }

  /**
   * @param what came, as the relay says it
   */
  static Failure malformedFrame(String who, String what) {
    return Failure.of(FailureClass.MALFORMED, who + " sent " + what);
  }

  /**
   * @param frame the event in which the engine says that it failed
   */
  static Failure errorFrame(String who, byte[] frame) {
    return Failure.of(
        FailureClass.ERROR_IN_ANSWER,
        who
            + " failed in its stream"
            + EngineMessage.of(json(frame)).map(text -> ": " + text).orElse(""));
  }

  static Failure notAStream(String who) {
    return Failure.of(
        FailureClass.MALFORMED, who + " was asked for a stream and answered in one piece");
  }

  /** A stream that should have gone on and came from its beginning. */
  static Failure startedAnew(String who) {
    return Failure.of(
        FailureClass.NOT_CONTINUED,
        who + " was asked to go on with it and began it anew; see the pool's resume");
  }

  /** An answer in one piece to the request to go on with a stream. */
  static Failure wouldNotGoOn(String who, EngineAnswer.Passed answer) {
    return Failure.of(
        FailureClass.NOT_CONTINUED,
        who
            + " would not go on with it"
            + EngineMessage.of(answer.body()).map(text -> ": " + text).orElse(""));
  }

  /** The JSON of a one-line event. */
  static byte[] json(byte[] frame) {
    String text = new String(frame, StandardCharsets.UTF_8).strip();
    int at = text.indexOf("data:");
    return text.substring(at < 0 ? 0 : at + 5).strip().getBytes(StandardCharsets.UTF_8);
  }
}
