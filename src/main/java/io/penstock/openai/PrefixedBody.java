package io.penstock.openai;

import io.penstock.fault.Fault;
import io.penstock.inference.Operation;
import io.penstock.openai.JsonCursor.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Puts a registered text before the prompt of a request; everything else stays byte for byte.
 *
 * <p>A completion's prompt becomes the text, a line break and the prompt, as the guide's {@code
 * build_prompt_with_prefix} has it; of several prompts each does. In a chat the text is a system
 * message at the beginning. Where the client has one there already the text and a line break go
 * before its content, since many templates take one system message and that at the beginning: so
 * what engines read begins with the text either way. A content of parts gets the text as a part.
 *
 * <p>Where {@code messages} or {@code prompt} is doubled every one gets it, whichever of them the
 * engine's parser takes.
 */
public final class PrefixedBody {
  private static final byte[] MESSAGES = JsonText.ascii("messages");
  private static final byte[] PROMPT = JsonText.ascii("prompt");
  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] CONTENT = JsonText.ascii("content");
  private static final byte[] SYSTEM = JsonText.ascii("system");
  private static final byte[] DEVELOPER = JsonText.ascii("developer");
  private static final byte[] LINE_BREAK = JsonText.ascii("\\n");
  private static final byte[] OPEN_MESSAGE = JsonText.ascii("{\"role\":\"system\",\"content\":");
  private static final byte[] OPEN_PART = JsonText.ascii("{\"type\":\"text\",\"text\":");
  private static final byte[] CLOSE = JsonText.ascii("}");
  private static final byte[] CLOSE_AND_MORE = JsonText.ascii("},");

  private final byte[] body;
  private final Operation operation;

  private final int maxBytes;

  /** The text as a JSON string. */
  private final byte[] quoted;

  /** The same without quotes, and a line break. */
  private final byte[] inside;

  private final JsonCursor in = new JsonCursor(false);
  private final List<Splice.Edit> edits = new ArrayList<>(1);
  private long length;
  private boolean hasTokenIds;

  // Of the message that is being read.
  private boolean isSystem;
  private Kind contentKind = Kind.NONE;
  private int contentAt;
  private boolean isContentEmpty;

  private PrefixedBody(byte[] body, Operation operation, String text, int maxBytes) {
    this.body = body;
    this.operation = operation;
    this.maxBytes = maxBytes;
    this.quoted = JsonText.quote(text);
    this.inside = JsonText.concat(Arrays.copyOfRange(quoted, 1, quoted.length - 1), LINE_BREAK);
    this.length = body.length;
  }

  /**
   * The body with the text in it.
   *
   * @param body that {@link BodyScan} has accepted for {@code operation}
   * @param operation a chat or a completion
   * @param text in valid Unicode
   * @param maxBytes most that the whole may have; nothing larger is made
   */
  public static Checked<byte[]> of(byte[] body, Operation operation, String text, int maxBytes) {
    return new PrefixedBody(body, operation, text, maxBytes).edited();
  }

  private Checked<byte[]> edited() {
    in.reset(body, 0, body.length);
    if (in.peek() != Kind.OBJECT) {
      throw new IllegalStateException("the body has not been scanned");
    }
    in.enterObject();
    while (in.nextMember()) {
      member();
    }
    if (hasTokenIds) {
      return new Checked.Rejected<>(
          Fault.INVALID_VALUE,
          "prompt",
          Complaint.sentence(
              "prompt", "token ids", "text, since a registered prefix is a text to go before it"));
    }
    if (length > maxBytes) {
      return new Checked.Rejected<>(
          Fault.BODY_TOO_LARGE,
          "",
          "the body has "
              + length
              + " bytes with the registered prefix in it (expected: at most "
              + maxBytes
              + ", ingress.max_body_bytes)");
    }
    if (edits.isEmpty() || in.failed()) {
      throw new IllegalStateException("the body has not been scanned");
    }
    return new Checked.Valid<>(apply());
  }

  private void member() {
    if (operation == Operation.CHAT && in.nameIs(MESSAGES) && in.peek() == Kind.ARRAY) {
      messages();
    } else if (operation == Operation.COMPLETION && in.nameIs(PROMPT)) {
      prompt();
    } else {
      in.skipValue();
    }
  }

  private void prompt() {
    switch (in.peek()) {
      case STRING -> string();
      case ARRAY -> {
        in.enterArray();
        while (in.nextElement()) {
          if (in.peek() == Kind.STRING) {
            string();
          } else {
            hasTokenIds = true;
            in.skipValue();
          }
        }
      }
      default -> in.skipValue();
    }
  }

  private void string() {
    in.readString();
    before(in.textStart());
  }

  /** The text and a line break, inside a string. */
  private void before(int at) {
    insert(at, inside);
  }

  private void insert(int at, byte[] what) {
    length += what.length;
    edits.add(Splice.Edit.insert(at, what));
  }

  private void messages() {
    in.enterArray();
    boolean first = true;
    while (in.nextElement()) {
      if (first && in.peek() == Kind.OBJECT) {
        firstMessage();
      } else {
        in.skipValue();
      }
      first = false;
    }
  }

  private void firstMessage() {
    int opened = in.position();
    isSystem = false;
    contentKind = Kind.NONE;
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(ROLE)) {
        boolean string = in.peek() == Kind.STRING;
        in.skipValue();
        isSystem = string && (in.textIs(SYSTEM) || in.textIs(DEVELOPER));
      } else if (in.nameIs(CONTENT)) {
        content();
      } else {
        in.skipValue();
      }
    }
    if (isSystem && contentKind == Kind.STRING) {
      before(contentAt);
    } else if (isSystem && contentKind == Kind.ARRAY) {
      insert(
          contentAt, JsonText.concat(OPEN_PART, quoted, isContentEmpty ? CLOSE : CLOSE_AND_MORE));
    } else {
      insert(opened, JsonText.concat(OPEN_MESSAGE, quoted, CLOSE_AND_MORE));
    }
  }

  private void content() {
    contentKind = in.peek();
    int from = in.position();
    in.skipValue();
    contentAt = from + 1; // behind the quote or the bracket
    isContentEmpty = contentKind == Kind.ARRAY && in.isEmptyContainer(from);
  }

  private byte[] apply() {
    edits.sort(Comparator.comparingInt(Splice.Edit::from));
    byte[] whole = new byte[(int) length];
    int done = 0;
    int at = 0;
    for (Splice.Edit each : edits) {
      int kept = each.from() - done;
      System.arraycopy(body, done, whole, at, kept);
      at += kept;
      System.arraycopy(each.with(), 0, whole, at, each.with().length);
      at += each.with().length;
      done = each.from();
    }
    System.arraycopy(body, done, whole, at, body.length - done);
    return whole;
  }
}
