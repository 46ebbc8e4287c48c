package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.Tenant;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.PrefixedBody;
import io.penstock.prefix.PrefixRegister;
import io.vertx.core.MultiMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The registered prefix that a request names: found, and put before its prompt. Pure.
 *
 * <p>A request is read as it came first, so that mistakes are told about the client's own text, and
 * read again with the prefix in it, so that all that follows goes by what engines are sent: the
 * estimate of tokens, the hashes of the prompt, the limits, the length.
 */
final class Preamble {
  static final String HEADER = "x-penstock-prefix";

  private static final int LISTED_MAX = 20;

  private Preamble() {}

  /**
   * What is to be served.
   *
   * @param body as it came, or with a prefix in it
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Whole(Ask ask, byte[] body) {}

  /**
   * Reads a request whole.
   *
   * @param maxBytes most that a body may have, with the prefix too
   */
  static Checked<Whole> read(
      Operation operation,
      MultiMap headers,
      byte[] body,
      Tenant tenant,
      PrefixRegister register,
      int maxBytes) {
    Checked<Ask> read = Ask.read(operation, headers, body, tenant);
    String id = headers.get(HEADER);
    if (read instanceof Rejected<Ask> no) {
      return refused(no);
    }
    Ask ask = ((Valid<Ask>) read).value();
    if (id == null) {
      return new Valid<>(new Whole(ask, body));
    }
    Checked<PromptPrefix> found = find(id.strip(), operation, tenant, register);
    if (found instanceof Rejected<PromptPrefix> no) {
      return refused(no);
    }
    PromptPrefix prefix = ((Valid<PromptPrefix>) found).value();
    Checked<byte[]> prefixed = PrefixedBody.of(body, operation, prefix.text(), maxBytes);
    if (prefixed instanceof Rejected<byte[]> no) {
      return refused(no);
    }
    byte[] whole = ((Valid<byte[]>) prefixed).value();
    Checked<Ask> again = Ask.read(operation, headers, whole, tenant);
    if (again instanceof Rejected<Ask> no) {
      return refused(no);
    }
    return new Valid<>(new Whole(((Valid<Ask>) again).value().prefixed(prefix), whole));
  }

  private static Checked<PromptPrefix> find(
      String id, Operation operation, Tenant tenant, PrefixRegister register) {
    if (operation == Operation.EMBEDDINGS) {
      return wrong(id, "none, since a prefix stands before the prompts of chats and completions");
    }
    if (!PromptPrefix.isValid(id)) {
      return wrong(
          id,
          "the id of a registered prefix: 1 to "
              + PromptPrefix.ID_CHARS_MAX
              + " of A-Z a-z 0-9 . _ -");
    }
    Optional<PromptPrefix> prefix = register.of(id).filter(each -> each.isFor(tenant.id()));
    if (prefix.isPresent()) {
      return new Valid<>(prefix.get());
    }
    if (!register.isComplete()) {
      return new Rejected<>(
          Fault.PREFIXES_UNAVAILABLE,
          HEADER,
          "The prefix '"
              + id
              + "' is not known here yet: this node has not been able to read the prefixes that the"
              + " admin API has registered.");
    }
    return new Rejected<>(
        Fault.PREFIX_NOT_FOUND,
        HEADER,
        "The prefix '" + id + "' does not exist. " + available(register, tenant));
  }

  private static String available(PrefixRegister register, Tenant tenant) {
    List<String> all = register.all(tenant.id()).stream().map(PromptPrefix::id).toList();
    int more = all.size() - LISTED_MAX;
    return all.isEmpty()
        ? "None is registered."
        : "Available prefixes: "
            + all.stream().limit(LISTED_MAX).collect(Collectors.joining(", "))
            + (more > 0 ? " and " + more + " more." : ".");
  }

  /** Why a prefix may not stand before a prompt of this model; empty where it may. */
  static Optional<FinalError> unsuited(Optional<PromptPrefix> prefix, ModelName model) {
    return prefix
        .filter(each -> !each.model().orElse(model).equals(model))
        .map(
            each ->
                FinalError.rejected(
                    new Rejected<>(
                        Fault.INVALID_VALUE,
                        HEADER,
                        HEADER
                            + ": '"
                            + each.id()
                            + "' (expected: a prefix that is registered for the model '"
                            + model
                            + "', or for any)")));
  }

  private static <T> Checked<T> wrong(String id, String expected) {
    String shown = id.length() > 40 ? id.substring(0, 40) + "…" : id;
    return new Rejected<>(
        Fault.INVALID_VALUE, HEADER, HEADER + ": '" + shown + "' (expected: " + expected + ")");
  }

  private static <T> Checked<Whole> refused(Rejected<T> no) {
    return new Rejected<>(no.fault(), no.param(), no.message());
  }
}
