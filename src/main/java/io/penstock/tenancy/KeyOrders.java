package io.penstock.tenancy;

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
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/** What operators order, as marks in the book. Pure: the caller brings the time and the chance. */
final class KeyOrders {
  /** Most keys and tenants, those that were ever revoked included. */
  static final int MARKS_MAX = 100_000;

  private static final int LISTED_MAX = 20;

  private final NodeId self;
  private final Book<TenancyMark> book;
  private final RandomGenerator random;

  KeyOrders(NodeId self, Book<TenancyMark> book, RandomGenerator random) {
    this.self = self;
    this.book = book;
    this.random = random;
  }

  /** What is marked, and a secret where there is a new one. */
  record Order(List<TenancyMark> marks, Optional<KeyStore.Created> created) {
    Order {
      marks = List.copyOf(marks);
    }
  }

  Order create(
      Register register,
      TenantId tenant,
      String name,
      Duration life,
      RateLimits limits,
      long epochMillis) {
    if (register.tenant(tenant).isEmpty()) {
      throw unknownTenant(register, tenant, Fault.INVALID_VALUE);
    }
    String secret = Secrets.fresh(random);
    String sha256 = Secrets.sha256(secret);
    long expires = life.isZero() ? 0 : epochMillis + life.toMillis();
    ApiKey key =
        new ApiKey(
            Secrets.id(sha256),
            tenant,
            sha256,
            name,
            epochMillis,
            expires,
            false,
            limits,
            register.lifeOf(tenant));
    return new Order(
        List.of(mark(key, epochMillis)), Optional.of(new KeyStore.Created(key, secret)));
  }

  Order revoke(Register register, String id, long epochMillis) {
    return new Order(
        List.of(mark(known(register, id).revokedNow(), epochMillis)), Optional.empty());
  }

  Order rotate(Register register, String id, Duration overlap, long epochMillis) {
    ApiKey old = known(register, id);
    if (!old.isLive(epochMillis)) {
      throw new OrderException(
          Fault.CONFLICT,
          "key '"
              + id
              + "' "
              + (old.revoked() ? "has been revoked" : "has expired")
              + " (expected: one that opens; create another)",
          "id");
    }
    Order next =
        create(register, old.tenant(), old.name(), Duration.ZERO, old.limits(), epochMillis);
    ApiKey ending =
        overlap.isZero() ? old.revokedNow() : old.until(epochMillis + overlap.toMillis());
    return new Order(List.of(next.marks().get(0), mark(ending, epochMillis)), next.created());
  }

  Order put(Tenant tenant, long epochMillis) {
    String target = TenancyMark.ofTenant(tenant.id());
    return new Order(
        List.of(
            new TenancyMark(
                target, Optional.empty(), Optional.of(tenant), stamp(target, epochMillis), self)),
        Optional.empty());
  }

  Order remove(Register register, TenantId id, long epochMillis) {
    if (register.tenant(id).isEmpty()) {
      throw unknownTenant(register, id, Fault.UNKNOWN_TARGET);
    }
    String target = TenancyMark.ofTenant(id);
    String removal = TenancyMark.ofRemoval(id);
    long stamp = Math.max(stamp(target, epochMillis), stamp(removal, epochMillis));
    return new Order(
        List.of(
            new TenancyMark(target, Optional.empty(), Optional.empty(), stamp, self),
            new TenancyMark(removal, Optional.empty(), Optional.empty(), stamp, self)),
        Optional.empty());
  }

  private TenancyMark mark(ApiKey key, long epochMillis) {
    String target = TenancyMark.ofKey(key.id());
    return new TenancyMark(
        target, Optional.of(key), Optional.empty(), stamp(target, epochMillis), self);
  }

  private long stamp(String target, long epochMillis) {
    if (book.isFull() && book.of(target).isEmpty()) {
      throw new OrderException(
          Fault.CONFLICT,
          "there are "
              + book.size()
              + " keys and tenants, revoked and removed ones included (expected: fewer than "
              + MARKS_MAX
              + ")",
          "");
    }
    return book.stamp(target, epochMillis);
  }

  private static ApiKey known(Register register, String id) {
    return register
        .key(id)
        .orElseThrow(
            () ->
                new OrderException(
                    Fault.UNKNOWN_TARGET,
                    "there is no key '" + id + "' (expected: an id that GET /admin/v1/keys lists)",
                    "id"));
  }

  private static OrderException unknownTenant(Register register, TenantId id, Fault fault) {
    List<Tenant> all = register.tenants();
    String listed =
        all.stream().limit(LISTED_MAX).map(t -> t.id().value()).collect(Collectors.joining(", "));
    int more = all.size() - LISTED_MAX;
    return new OrderException(
        fault,
        "there is no tenant '"
            + id
            + "' (expected: "
            + (all.isEmpty()
                ? "one that was put with PUT /admin/v1/tenants/ID"
                : "one of " + listed + (more > 0 ? " and " + more + " more" : ""))
            + ")",
        "tenant");
  }
}
