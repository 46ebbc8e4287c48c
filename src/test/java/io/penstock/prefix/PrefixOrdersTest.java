package io.penstock.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.bus.Book;
import io.penstock.bus.OrderException;
import io.penstock.fault.Fault;
import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.TenantId;
import io.penstock.message.PrefixMark;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PrefixOrdersTest {
  private static final NodeId SELF = new NodeId("a");

  private final Book<PrefixMark> book = new Book<>(PrefixOrders.MARKS_MAX, (a, b) -> 0);
  private final PrefixOrders orders = new PrefixOrders(SELF, book);
  private long now = 1_000;

  private PrefixRegister register() {
    return PrefixRegister.of(book.marks(), true);
  }

  private static PromptPrefix prefix(String id, String text) {
    return new PromptPrefix(id, Optional.empty(), Optional.empty(), text, 5);
  }

  private void put(PromptPrefix prefix, boolean replaces) {
    assertThat(book.take(orders.put(register(), prefix, replaces, now++))).isTrue();
  }

  private void refused(PromptPrefix prefix, boolean replaces, Fault fault, String message) {
    assertThatThrownBy(() -> orders.put(register(), prefix, replaces, now))
        .isInstanceOfSatisfying(OrderException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessage(message);
  }

  @Test
  void aTextIsReplacedOnlyByWhoSaysSo() {
    put(prefix("a", "one"), false);
    put(prefix("a", "one"), false);
    refused(
        prefix("a", "two"),
        false,
        Fault.CONFLICT,
        "there is a prefix 'a' with another text, tenant or model (expected: an id that is free;"
            + " PUT /admin/v1/prefixes/a replaces it)");
    put(prefix("a", "two"), true);
    assertThat(register().of("a").orElseThrow().text()).isEqualTo("two");
    assertThat(register().bytes()).isEqualTo(3);
  }

  @Test
  void oneThatWasTakenAwayIsNotBroughtBackByAnOldWord() {
    put(prefix("a", "one"), false);
    List<PrefixMark> old = book.marks();
    book.take(orders.remove(register(), "a", now++));
    assertThat(register().all()).isEmpty();
    assertThat(book.merge(old)).isEmpty();
    assertThatThrownBy(() -> orders.remove(register(), "a", now))
        .hasMessage("there is no prefix 'a' (expected: none is registered)");
    put(prefix("a", "three"), false);
    assertThat(register().all()).hasSize(1);
  }

  @Test
  void whatTheyMayTakeIsBounded() {
    refused(
        prefix("a", "é".repeat(PrefixOrders.TEXT_BYTES_MAX / 2 + 1)),
        false,
        Fault.INVALID_VALUE,
        "text: 131074 bytes (expected: at most 131072)");
    String long128 = "x".repeat(PrefixOrders.TEXT_BYTES_MAX);
    for (int i = 0; i < 128; i++) {
      put(prefix("p" + i, long128), false);
    }
    refused(
        prefix("q", "y"),
        false,
        Fault.CONFLICT,
        "with this there would be 16777217 bytes of texts (expected: at most 16777216)");
    put(prefix("p0", "short"), true);
    put(prefix("q", "y"), false);
  }

  @Test
  void theirNumberIsBounded() {
    for (int i = 0; i < PrefixOrders.PREFIXES_MAX; i++) {
      put(prefix("p" + i, "x"), false);
    }
    refused(
        prefix("q", "y"),
        false,
        Fault.CONFLICT,
        "with this there would be 1001 prefixes (expected: at most 1000)");
    put(prefix("p7", "z"), true);
  }

  @Test
  void whatIsOneTenantsIsNoOthers() {
    TenantId acme = new TenantId("acme");
    put(new PromptPrefix("a", Optional.of(acme), Optional.empty(), "x", 5), false);
    put(prefix("b", "y"), false);
    assertThat(register().all(acme)).extracting(PromptPrefix::id).containsExactly("a", "b");
    assertThat(register().all(new TenantId("zeta")))
        .extracting(PromptPrefix::id)
        .containsExactly("b");
  }

  @Test
  void usesAreCountedWhileTheirPrefixIsThere() {
    put(prefix("a", "x".repeat(400)), false);
    UseCounts counts = new UseCounts();
    PromptPrefix a = register().of("a").orElseThrow();
    counts.add(UseCounts.of(a, 0));
    counts.add(UseCounts.of(a, 64));
    counts.add(UseCounts.of(a, 5_000));
    counts.keep(register());
    assertThat(counts.all())
        .containsExactly(new io.penstock.message.PrefixUse("a", 3, 2, 64 + 100));
    book.take(orders.remove(register(), "a", now++));
    counts.keep(register());
    assertThat(counts.all()).isEmpty();
  }
}
