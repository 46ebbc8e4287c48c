package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.bus.Book;
import io.penstock.bus.OrderException;
import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.NodeId;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.TenancyMark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Orders of operators, and who comes in after them. */
class RegisterTest {
  private static final TenantId ACME = new TenantId("acme");
  private static final String CONFIGURED = "sk-of-the-configuration-1";
  private static final TenancyConfig CONFIG =
      new TenancyConfig(
          TenancyConfig.Auth.KEYS,
          List.of(Tenant.of(ACME)),
          List.of(
              new ApiKey(
                  Secrets.id(Secrets.sha256(CONFIGURED)),
                  ACME,
                  Secrets.sha256(CONFIGURED),
                  "",
                  0,
                  0,
                  false,
                  RateLimits.NONE,
                  0)),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  private final Book<TenancyMark> book = new Book<>(KeyOrders.MARKS_MAX, (a, b) -> 0);
  private final KeyOrders orders = new KeyOrders(new NodeId("a"), book, new Random(7));

  private Register register() {
    return Register.of(CONFIG, book.marks(), true);
  }

  private KeyOrders.Order take(KeyOrders.Order order) {
    order.marks().forEach(book::take);
    return order;
  }

  private KeyStore.Created create(Duration life) {
    return take(orders.create(register(), ACME, "ci", life, RateLimits.NONE, 1_000))
        .created()
        .orElseThrow();
  }

  private static Tenant weighing(TenantId id, double weight) {
    Tenant some = Tenant.of(id);
    return new Tenant(
        id,
        "",
        some.models(),
        some.maxPriority(),
        weight,
        some.limits(),
        some.modelLimits(),
        some.residency(),
        some.cachePolicy());
  }

  private Optional<Fault> faultOf(String secret, long epochMillis) {
    return register().find(secret, epochMillis) instanceof Verdict.Denied no
        ? Optional.of(no.fault())
        : Optional.empty();
  }

  private String wordsFor(String secret, long epochMillis) {
    return ((Verdict.Denied) register().find(secret, epochMillis)).message();
  }

  @Test
  void aKeyOpensUntilItIsRevokedAndNoOtherDoes() {
    KeyStore.Created key = create(Duration.ZERO);
    assertThat(key.secret()).matches("ps-[A-Za-z0-9_-]{43}");
    assertThat(register().find(key.secret(), 5_000))
        .isInstanceOfSatisfying(
            Verdict.Known.class,
            known -> assertThat(known.identity().tenant().id()).isEqualTo(ACME));
    assertThat(faultOf(key.secret() + "x", 5_000)).contains(Fault.INVALID_API_KEY);
    assertThat(faultOf(CONFIGURED, 5_000)).isEmpty();

    take(orders.revoke(register(), key.key().id(), 2_000));
    assertThat(wordsFor(key.secret(), 5_000))
        .isEqualTo("the API key '" + key.key().id() + "' has been revoked");
    assertThat(wordsFor("nonsense", 5_000))
        .isEqualTo("the API key that was sent is not known here");
  }

  @Test
  void aKeyOfTheConfigurationCanBeRevokedToo() {
    take(orders.revoke(register(), Secrets.id(Secrets.sha256(CONFIGURED)), 2_000));

    assertThat(wordsFor(CONFIGURED, 5_000)).endsWith("has been revoked");
  }

  @Test
  void afterARotationBothOpenForAWhile() {
    KeyStore.Created old = create(Duration.ZERO);
    KeyStore.Created next =
        take(orders.rotate(register(), old.key().id(), Duration.ofSeconds(60), 10_000))
            .created()
            .orElseThrow();

    assertThat(faultOf(old.secret(), 69_999)).isEmpty();
    assertThat(wordsFor(old.secret(), 70_000))
        .isEqualTo("the API key '" + old.key().id() + "' expired at 1970-01-01T00:01:10Z");
    assertThat(faultOf(next.secret(), 70_000)).isEmpty();
    assertThat(next.key().name()).isEqualTo("ci");
  }

  @Test
  void aRotationWithoutOverlapRevokesAndAnEndedKeyIsNotRotated() {
    KeyStore.Created old = create(Duration.ZERO);
    take(orders.rotate(register(), old.key().id(), Duration.ZERO, 10_000));

    assertThat(wordsFor(old.secret(), 10_000)).endsWith("has been revoked");
    assertThatThrownBy(() -> orders.rotate(register(), old.key().id(), Duration.ZERO, 10_000))
        .isInstanceOf(OrderException.class)
        .hasMessageContaining("has been revoked (expected: one that opens");
  }

  @Test
  void keysEndByThemselves() {
    KeyStore.Created key = create(Duration.ofSeconds(2));

    assertThat(faultOf(key.secret(), 2_999)).isEmpty();
    assertThat(faultOf(key.secret(), 3_000)).contains(Fault.INVALID_API_KEY);
  }

  @Test
  void aTenantThatIsTakenAwayTakesHisKeysWithHim() {
    TenantId guest = new TenantId("guest");
    take(orders.put(Tenant.of(guest), 1_000));
    KeyStore.Created key =
        take(orders.create(register(), guest, "", Duration.ZERO, RateLimits.NONE, 1_000))
            .created()
            .orElseThrow();
    assertThat(faultOf(key.secret(), 5_000)).isEmpty();

    take(orders.remove(register(), guest, 2_000));
    assertThat(faultOf(key.secret(), 5_000)).contains(Fault.INVALID_API_KEY);
    assertThatThrownBy(
            () -> orders.create(register(), guest, "", Duration.ZERO, RateLimits.NONE, 3_000))
        .hasMessage("there is no tenant 'guest' (expected: one of acme)");
  }

  /** Whoever puts him again, and wherever a key of his was made before that was known. */
  @Test
  void aRemovalEndsNoKeysOfATenantWhomTheConfigurationHasNow() {
    Register unconfigured =
        Register.of(TenancyConfig.OPEN, List.of(), true)
            .with(take(orders.put(Tenant.of(ACME), 1_000)).marks());
    take(orders.remove(unconfigured, ACME, 2_000));
    assertThat(register().find(CONFIGURED, 3_000)).isInstanceOf(Verdict.Known.class);
    String id = Secrets.id(Secrets.sha256(CONFIGURED));
    assertThat(register().key(id).orElseThrow().revoked()).isFalse();
    take(orders.revoke(register(), id, 4_000));
    assertThat(register().find(CONFIGURED, 5_000)).isInstanceOf(Verdict.Denied.class);
  }

  @Test
  void aRemovalEndsAlsoTheKeysThatWereMadeElsewhereMeanwhile() {
    TenantId guest = new TenantId("guest");
    take(orders.put(Tenant.of(guest), 1_000));
    KeyStore.Created old =
        take(orders.create(register(), guest, "", Duration.ZERO, RateLimits.NONE, 1_000))
            .created()
            .orElseThrow();
    Book<TenancyMark> elsewhere = new Book<>(KeyOrders.MARKS_MAX, (a, b) -> 0);
    elsewhere.merge(book.marks());
    KeyOrders others = new KeyOrders(new NodeId("b"), elsewhere, new Random(8));
    take(orders.remove(register(), guest, 2_000));
    Register there = Register.of(CONFIG, elsewhere.marks(), true);
    KeyOrders.Order made =
        others.create(there, guest, "", Duration.ZERO, RateLimits.NONE, 3_000); // a second later
    KeyOrders.Order changed = others.put(weighing(guest, 2), 3_000);
    elsewhere.merge(made.marks());
    elsewhere.merge(changed.marks());

    elsewhere.merge(book.marks());
    book.merge(elsewhere.marks());
    for (Book<TenancyMark> each : List.of(book, elsewhere)) {
      Register register = Register.of(CONFIG, each.marks(), true);
      assertThat(register.tenant(guest)).as("the later word").isPresent();
      for (KeyStore.Created key : List.of(old, made.created().orElseThrow())) {
        assertThat(((Verdict.Denied) register.find(key.secret(), 5_000)).message())
            .endsWith("has been revoked");
      }
    }
    KeyStore.Created next =
        take(orders.create(register(), guest, "", Duration.ZERO, RateLimits.NONE, 6_000))
            .created()
            .orElseThrow();
    assertThat(faultOf(next.secret(), 7_000)).isEmpty();
  }

  /** One that is made bit by bit says the same as one that is made of all at once. */
  @Property(tries = 100)
  void itDoesNotMatterHowItWasMade(@ForAll long seed) {
    Random chance = new Random(seed);
    Register grown = register();
    List<KeyStore.Created> made = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      TenantId tenant = new TenantId("t" + chance.nextInt(4));
      List<TenancyMark> marks;
      if (grown.tenant(tenant).isEmpty() || chance.nextInt(6) == 0) {
        marks = orders.put(weighing(tenant, 1 + chance.nextInt(9)), i).marks();
      } else if (chance.nextInt(8) == 0) {
        marks = orders.remove(grown, tenant, i).marks();
      } else if (!made.isEmpty() && chance.nextInt(3) == 0) {
        String id = made.get(chance.nextInt(made.size())).key().id();
        marks = orders.revoke(grown, id, i).marks();
      } else {
        KeyOrders.Order order =
            orders.create(grown, tenant, "k", Duration.ZERO, RateLimits.NONE, i);
        made.add(order.created().orElseThrow());
        marks = order.marks();
      }
      grown = grown.with(book.merge(marks));
    }
    Register whole = register();
    assertThat(grown.keys()).isEqualTo(whole.keys()).hasSize(grown.keyCount());
    assertThat(grown.tenants()).isEqualTo(whole.tenants());
    for (KeyStore.Created each : made) {
      assertThat(grown.find(each.secret(), 999)).isEqualTo(whole.find(each.secret(), 999));
    }
  }

  @Test
  void tenThousandKeysAreFoundOneByOne() {
    Register before = register();
    List<KeyStore.Created> all =
        java.util.stream.IntStream.range(0, 10_000)
            .mapToObj(
                i ->
                    take(orders.create(before, ACME, "", Duration.ZERO, RateLimits.NONE, 1_000 + i))
                        .created()
                        .orElseThrow())
            .toList();
    Register register = register();

    assertThat(register.keys()).hasSize(10_001);
    for (KeyStore.Created each : all) {
      assertThat(register.find(each.secret(), 99_000))
          .isInstanceOfSatisfying(
              Verdict.Known.class,
              known -> assertThat(known.identity().key()).contains(each.key()));
    }
  }

  @Test
  void aFullBookTakesNoMoreAndForgetsNone() {
    Book<TenancyMark> small = new Book<>(2, (a, b) -> 0);
    KeyOrders few = new KeyOrders(new NodeId("a"), small, new Random(7));
    few.put(Tenant.of(new TenantId("x")), 1).marks().forEach(small::take);
    few.put(Tenant.of(new TenantId("y")), 2).marks().forEach(small::take);

    assertThatThrownBy(() -> few.put(Tenant.of(new TenantId("z")), 3))
        .hasMessageStartingWith("there are 2 keys and tenants");
    few.put(Tenant.of(new TenantId("x")), 4).marks().forEach(small::take);
    assertThat(small.marks()).hasSize(2);
  }

  /** To be told that a key is unknown is an end; that it is not known yet is none. */
  @Test
  void whileNotAllHasBeenReadAnUnknownKeyIsNotRefusedForGood() {
    Register part = Register.of(CONFIG, List.of(), false);
    assertThat(part.find(CONFIGURED, 0)).isInstanceOf(Verdict.Known.class);
    assertThat(part.find("sk-another", 0))
        .isInstanceOfSatisfying(
            Verdict.Denied.class,
            denied -> {
              assertThat(denied.fault()).isEqualTo(Fault.KEYS_UNAVAILABLE);
              assertThat(denied.message()).contains("not known here yet");
            });
  }
}
