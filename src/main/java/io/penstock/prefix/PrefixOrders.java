package io.penstock.prefix;

import io.penstock.bus.Book;
import io.penstock.bus.OrderException;
import io.penstock.fault.Fault;
import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import io.penstock.message.PrefixMark;
import java.util.List;
import java.util.Optional;

/**
 * What operators order, as marks in the book. Pure: the caller brings the time. The bounds hold for
 * what this node knows; orders at two nodes at once may pass them together, by one prefix each.
 */
final class PrefixOrders {
  /** Longest text, in bytes of UTF-8: some 32,000 tokens. */
  static final int TEXT_BYTES_MAX = 128 << 10;

  /** Most prefixes. */
  static final int PREFIXES_MAX = 1_000;

  /** Most bytes of all texts together. */
  static final long BYTES_MAX = 16 << 20;

  /** Most ids that there ever were, those taken away included. */
  static final int MARKS_MAX = 20_000;

  private final NodeId self;
  private final Book<PrefixMark> book;

  PrefixOrders(NodeId self, Book<PrefixMark> book) {
    this.self = self;
    this.book = book;
  }

  /**
   * Registers one.
   *
   * @param replaces whether it may take the place of another text under its id
   */
  PrefixMark put(PrefixRegister register, PromptPrefix prefix, boolean replaces, long epochMillis) {
    Optional<PromptPrefix> before = register.of(prefix.id());
    if (before.isPresent() && !replaces && !isSame(before.get(), prefix)) {
      throw new OrderException(
          Fault.CONFLICT,
          "there is a prefix '"
              + prefix.id()
              + "' with another text, tenant or model (expected: an id that is free; PUT"
              + " /admin/v1/prefixes/"
              + prefix.id()
              + " replaces it)",
          "id");
    }
    bound("text", prefix.bytes(), "bytes", TEXT_BYTES_MAX, Fault.INVALID_VALUE);
    bound("", register.size() + (before.isPresent() ? 0 : 1), "prefixes", PREFIXES_MAX);
    bound(
        "",
        register.bytes() - before.map(PromptPrefix::bytes).orElse(0) + prefix.bytes(),
        "bytes of texts",
        BYTES_MAX);
    return mark(prefix.id(), Optional.of(prefix), epochMillis);
  }

  private static boolean isSame(PromptPrefix a, PromptPrefix b) {
    return a.text().equals(b.text())
        && a.tenant().equals(b.tenant())
        && a.model().equals(b.model());
  }

  PrefixMark remove(PrefixRegister register, String id, long epochMillis) {
    if (register.of(id).isEmpty()) {
      throw unknown(register, id);
    }
    return mark(id, Optional.empty(), epochMillis);
  }

  static OrderException unknown(PrefixRegister register, String id) {
    List<String> all = register.all().stream().map(PromptPrefix::id).toList();
    return new OrderException(
        Fault.UNKNOWN_TARGET,
        "there is no prefix '" + id + "' (expected: " + Listed.of(all, "none is registered") + ")",
        "id");
  }

  private static void bound(String param, long found, String what, long most) {
    bound(param, found, what, most, Fault.CONFLICT);
  }

  private static void bound(String param, long found, String what, long most, Fault fault) {
    if (found > most) {
      throw new OrderException(
          fault,
          (param.isEmpty() ? "with this there would be " : param + ": ")
              + found
              + " "
              + what
              + " (expected: at most "
              + most
              + ")",
          param);
    }
  }

  private PrefixMark mark(String id, Optional<PromptPrefix> prefix, long epochMillis) {
    if (book.isFull() && book.of(id).isEmpty()) {
      throw new OrderException(
          Fault.CONFLICT,
          "there have been "
              + book.size()
              + " ids of prefixes (expected: fewer than "
              + MARKS_MAX
              + "; use one again)",
          "id");
    }
    return new PrefixMark(id, prefix, book.stamp(id, epochMillis), self);
  }
}
