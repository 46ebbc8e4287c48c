package io.penstock.openai;

import java.io.ByteArrayOutputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a client has been sent of a stream that broke: its text, as it stands escaped in the frames,
 * and the marks that a stream keeps to its end.
 *
 * <p>The text is never decoded. The escaped contents of JSON strings put one after the other are
 * the escaped content of one: two halves of a surrogate pair that came in two frames meet again.
 */
public final class PartialAnswer {
  private static final byte[] THINK = JsonText.ascii("<think>");
  private static final byte[] THOUGHT = JsonText.ascii("</think>");

  private final ChunkJson chunk = new ChunkJson();
  private final FrameReader reader = new FrameReader();
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();
  private byte @Nullable [] escaped;
  private byte @Nullable [] id;
  private byte @Nullable [] created;
  private byte @Nullable [] model;
  private byte @Nullable [] fingerprint;
  private @Nullable ResumeRefusal obstacle;
  private int contentFrames;
  private int blankTail;

  private PartialAnswer() {}

  /** Reads frames as they were sent to the client, cut anywhere. */
  public static PartialAnswer of(Iterable<Slice> pieces) {
    PartialAnswer answer = new PartialAnswer();
    SseScanner scanner = new SseScanner(answer::onFrame);
    for (Slice each : pieces) {
      scanner.feed(each);
    }
    answer.complete();
    return answer;
  }

  private void onFrame(SseFrame frame) {
    switch (frame.kind()) {
      case CONTENT, EMPTY, USAGE_ONLY -> read(frame);
      case DONE, ERROR -> refuse(ResumeRefusal.FINISHED);
      case MALFORMED, TOO_LARGE -> refuse(ResumeRefusal.UNKNOWN_PAYLOAD);
      case COMMENT -> {}
    }
  }

  private void read(SseFrame frame) {
    byte[] bytes = frame.bytes();
    Span data = reader.dataOf(frame);
    if (!chunk.read(bytes, data.offset(), data.end())) {
      refuse(ResumeRefusal.UNKNOWN_PAYLOAD);
      return;
    }
    id = keep(id, bytes, chunk.id);
    created = keep(created, bytes, chunk.created);
    model = keep(model, bytes, chunk.model);
    fingerprint = keep(fingerprint, bytes, chunk.fingerprint);
    if (chunk.obstacle != null) {
      refuse(chunk.obstacle);
    }
    if (chunk.finish) {
      refuse(ResumeRefusal.FINISHED);
    }
    Span said = chunk.text;
    if (said != null && said.length() > 0) {
      contentFrames++;
      text.write(bytes, said.offset(), said.length());
      int trimmed = EscapedText.trimmedEnd(bytes, said.offset(), said.end());
      boolean blank = trimmed == said.offset();
      blankTail = blank ? blankTail + 1 : trimmed < said.end() ? 1 : 0;
    }
  }

  private static byte @Nullable [] keep(byte @Nullable [] first, byte[] bytes, @Nullable Span at) {
    return first != null || at == null
        ? first
        : new Slice(bytes, at.offset(), at.length()).toByteArray();
  }

  private void refuse(ResumeRefusal why) {
    if (obstacle == null) {
      obstacle = why;
    }
  }

  private void complete() {
    byte[] all = text.toByteArray();
    escaped = all;
    if (ByteSearch.contains(all, THINK) || ByteSearch.contains(all, THOUGHT)) {
      refuse(ResumeRefusal.REASONING); // templates strip or move what stands between them
    }
    byte[] quoted = JsonText.concat(new byte[] {'"'}, all, new byte[] {'"'});
    JsonCursor strict = new JsonCursor(true).reset(quoted, 0, quoted.length);
    strict.skipValue();
    strict.expectEnd();
    if (strict.failed() || EscapedText.endsWithinPair(all, 0, all.length)) {
      refuse(
          ResumeRefusal
              .UNKNOWN_PAYLOAD); // not UTF-8, or half a character: no engine would take it back
    }
  }

  /** Why it can not go on; the first reason in the order of the frames. */
  public Optional<ResumeRefusal> obstacle() {
    return Optional.ofNullable(obstacle);
  }

  /** The text between the quotes of a JSON string. */
  byte[] escapedText() {
    if (escaped == null) {
      throw new IllegalStateException("not read to its end");
    }
    return escaped;
  }

  /** Length of {@link #escapedText()} without the white space at its end. */
  int trimmedLength() {
    return EscapedText.trimmedEnd(escapedText(), 0, escapedText().length);
  }

  /** Whether there is no text but white space, so that there is nothing to go on with. */
  public boolean isBlank() {
    return trimmedLength() == 0;
  }

  /** Whether there is no text at all. */
  public boolean isEmpty() {
    return escapedText().length == 0;
  }

  /**
   * What the white space at the end costs in tokens when it is generated once more: its frames, the
   * one included that ends with it.
   */
  public int blankTail() {
    return blankTail;
  }

  byte @Nullable [] id() {
    return id;
  }

  byte @Nullable [] created() {
    return created;
  }

  byte @Nullable [] model() {
    return model;
  }

  byte @Nullable [] fingerprint() {
    return fingerprint;
  }
}
