package io.penstock.tenancy;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.Book;
import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Gossip;
import io.penstock.bus.LiveSetting;
import io.penstock.bus.Setting;
import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.BookDigest;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's book of keys and tenants: reads it from its store, keeps it equal with the other
 * nodes' by {@link Gossip}, and tells the ingress loops who may come in. What is ordered is told at
 * once and written to the store as soon as that is free; many changes are told and written
 * together.
 *
 * <p>When an entry throws, the book may be half changed. It is written anew from the marks that
 * were told last; what was lost with it, other nodes tell within seconds.
 */
public final class TenancyVerticle extends VerticleBase implements KeyStore, Doors {
  /** How long a change waits for others, to be told together with them. */
  private static final long TELL_MILLIS = 5;

  /** After the store could not be written. */
  private static final long WRITE_AGAIN_MILLIS = 5_000;

  /** After it could not be read. */
  private static final long READ_AGAIN_MILLIS = 1_000;

  private static final Logger LOG = LoggerFactory.getLogger(TenancyVerticle.class);

  private final Bus bus;
  private final Setting<TenancyConfig> config;
  private final String region;
  private final JwksSource jwksSource;
  private final Optional<LimitStore.Factory> limits;
  private final Clock clock;
  private final Optional<MarkStore> store;
  private final Gossip<TenancyMark> gossip;
  private final Counter rebuilt;
  private final AtomicBoolean unwritten = new AtomicBoolean(); // read by the scrape
  private final SecureRandom random = new SecureRandom();
  private final LiveSetting<Register> register;
  private final LiveSetting<Jwks> jwks;

  private List<TenancyMark> stored = List.of(); // before it is deployed
  private boolean isUnread; // before it is deployed, then on its event loop

  // Touched only on this verticle's event loop.
  private Book<TenancyMark> book = empty();
  private List<TenancyMark> known = List.of();
  private Runnable strangers = () -> {};
  private boolean isTellDue;
  private Promise<Void> told = Promise.promise();
  private boolean isWriting;
  private boolean isWriteDue;
  private Promise<Void> written = Promise.promise();

  /**
   * @param vertx on which it will be deployed
   * @param region that this node is in
   * @param store where the book is kept; empty: in memory alone
   * @param limits where limits are kept outside of the cluster
   */
  public TenancyVerticle(
      Vertx vertx,
      Bus bus,
      Directory directory,
      Setting<TenancyConfig> config,
      String region,
      JwksSource jwksSource,
      Optional<MarkStore> store,
      Optional<LimitStore.Factory> limits,
      Clock clock,
      MeterRegistry meters) {
    this.bus = bus;
    this.config = config;
    this.region = region;
    this.jwksSource = jwksSource;
    this.limits = limits;
    this.clock = clock;
    this.store = store;
    this.gossip =
        new Gossip<>(
            bus, directory, Room.TENANCY, () -> book, marks -> new TenancyMarks(bus.self(), marks));
    this.rebuilt = meters.counter(Names.VERTICLE_RESTARTS, "role", "tenancy");
    this.register = new LiveSetting<>(vertx, Register.of(config.now(), List.of(), true));
    this.jwks = new LiveSetting<>(vertx, Jwks.NONE);
    Gauge.builder(Names.KEYS_UNWRITTEN, unwritten, flag -> flag.get() ? 1 : 0).register(meters);
    Gauge.builder(Names.KEYS, register, setting -> setting.now().keys().size()).register(meters);
  }

  private static Book<TenancyMark> empty() {
    return new Book<>(KeyOrders.MARKS_MAX, (a, b) -> 0);
  }

  /**
   * Reads the store; to be called once, before it is deployed. One that can't be reached is read
   * later: other nodes may know all of it, and tenants of the configuration do not need it.
   *
   * @return fails, in words, when what is stored is not as it was written
   */
  public Future<Void> load() {
    return store.map(this::load).orElseGet(Future::succeededFuture);
  }

  private Future<Void> load(MarkStore from) {
    return from.read()
        .map(
            marks -> {
              stored = marks;
              LOG.info("{} keys and tenants are in {}", marks.size(), from);
              return (Void) null;
            })
        .recover(
            cause -> {
              if (cause instanceof UnreadableBookException) {
                return Future.failedFuture(cause);
              }
              LOG.error(
                  "the keys in {} can not be read; until they can, keys that this node does not know"
                      + " are answered with 503",
                  from,
                  cause);
              isUnread = true;
              return Future.succeededFuture();
            });
  }

  private void readAgain(MarkStore from) {
    here(
        from.read(),
        done -> {
          if (done.failed()) {
            vertx.setTimer(READ_AGAIN_MILLIS, due -> readAgain(from));
            return;
          }
          isUnread = false;
          LOG.info("{} keys and tenants are in {}", done.result().size(), from);
          if (!book.merge(done.result()).isEmpty()) {
            gossip.learned();
          }
          soonTold();
          soonWritten();
        });
  }

  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    JwksWatch watch = new JwksWatch(vertx, jwksSource, jwks, clock);
    strangers = watch::strangerShown;
    book.merge(stored);
    known = book.marks();
    return register
        .become(register())
        .compose(x -> bus.consume(Room.TENANCY, 0, this::hear))
        .onSuccess(
            registration -> {
              gossip.start(vertx);
              store.ifPresent(this::keep);
              config.onChange(
                  next -> {
                    watch.follow(next.auth().jwt() ? next.jwt() : Optional.empty());
                    soonTold();
                  });
            });
  }

  private void keep(MarkStore in) {
    if (isUnread) {
      vertx.setTimer(READ_AGAIN_MILLIS, due -> readAgain(in));
    }
    if (!in.renewal().isZero()) {
      vertx.setPeriodic(in.renewal().toMillis(), due -> soonWritten());
    }
  }

  /** A store answers on whatever thread it has. */
  private <T> void here(Future<T> answer, Consumer<AsyncResult<T>> then) {
    answer.onComplete(done -> context.runOnContext(turn -> then.accept(done)));
  }

  private Register register() {
    return Register.of(config.now(), known, !isUnread);
  }

  private void rebuild(Throwable bug) {
    LOG.error("the book of keys failed; it is written anew from its {} marks", known.size(), bug);
    rebuilt.increment();
    Book<TenancyMark> next = empty();
    next.merge(known);
    book = next;
    soonTold();
  }

  @Override
  public Door open(Vertx on) {
    return new Door(
        on, register, jwks, () -> context.runOnContext(turn -> strangers.run()), region, clock);
  }

  @Override
  public Optional<LimitStore> limits(Vertx on) {
    return limits.map(factory -> factory.open(on));
  }

  @Override
  public Register now() {
    return register.now();
  }

  @Override
  public boolean isConfigured(TenantId id) {
    return config.now().tenants().stream().anyMatch(tenant -> tenant.id().equals(id));
  }

  @Override
  public Future<Created> create(TenantId tenant, String name, Duration life, RateLimits limits) {
    return order(
        orders -> orders.create(fresh(), tenant, name, life, limits, clock.epochMillis()),
        order -> order.created().orElseThrow());
  }

  @Override
  public Future<ApiKey> revoke(String id) {
    return order(
        orders -> orders.revoke(fresh(), id, clock.epochMillis()),
        order -> order.marks().get(0).key().orElseThrow());
  }

  @Override
  public Future<Created> rotate(String id, Duration overlap) {
    return order(
        orders -> orders.rotate(fresh(), id, overlap, clock.epochMillis()),
        order -> order.created().orElseThrow());
  }

  @Override
  public Future<Tenant> put(Tenant tenant) {
    return order(
        orders -> {
          changeable(tenant.id());
          return orders.put(tenant, clock.epochMillis());
        },
        order -> tenant);
  }

  @Override
  public Future<Tenant> remove(TenantId id) {
    return order(
        orders -> {
          changeable(id);
          return orders.remove(fresh(), id, clock.epochMillis());
        },
        order -> now().tenant(id).orElseGet(() -> Tenant.of(id)));
  }

  private void changeable(TenantId id) {
    if (isConfigured(id)) {
      throw new TenancyException(
          Fault.CONFLICT,
          "tenant '"
              + id
              + "' is of the nodes' configuration (expected: one that is not; change"
              + " tenants.list there and reload)",
          "id");
    }
  }

  /** With what was ordered a moment ago, and is about to be told. */
  private Register fresh() {
    return isTellDue ? Register.of(config.now(), book.marks(), !isUnread) : register.now();
  }

  private <T> Future<T> order(
      Function<KeyOrders, KeyOrders.Order> what, Function<KeyOrders.Order, T> answer) {
    Promise<T> done = Promise.promise();
    context.runOnContext(
        turn -> {
          try {
            KeyOrders.Order order = what.apply(new KeyOrders(bus.self(), book, random));
            T result = answer.apply(order);
            order.marks().forEach(book::take);
            gossip.said(order.marks());
            Future.join(soonTold(), soonWritten()).map(both -> result).onComplete(done);
          } catch (TenancyException no) {
            done.fail(no);
          } catch (RuntimeException bug) {
            done.fail(bug);
            throw bug;
          }
        });
    return done.future();
  }

  private void hear(Message message) {
    if (message instanceof TenancyMarks marks) {
      if (!marks.from().equals(bus.self()) && !book.merge(marks.marks()).isEmpty()) {
        gossip.learned();
        soonTold();
        soonWritten();
      }
    } else if (message instanceof BookDigest digest) {
      gossip.heard(digest);
    } else {
      LOG.warn("{} is no message for a book of keys; dropped", message.getClass().getSimpleName());
    }
  }

  /** Completes when the loops of this node have heard of the book of now. */
  private Future<Void> soonTold() {
    if (!isTellDue) {
      isTellDue = true;
      vertx.setTimer(TELL_MILLIS, due -> tell());
    }
    return told.future();
  }

  private void tell() {
    isTellDue = false;
    Promise<Void> waiting = told;
    told = Promise.promise();
    known = book.marks();
    register.become(register()).onComplete(waiting);
  }

  /** Completes when the book of now is in the store. */
  private Future<Void> soonWritten() {
    if (store.isEmpty()) {
      return Future.succeededFuture();
    }
    Future<Void> future = written.future();
    isWriteDue = true;
    if (!isWriting) {
      write(store.get());
    }
    return future;
  }

  private void write(MarkStore to) {
    isWriting = true;
    isWriteDue = false;
    Promise<Void> waiting = written;
    written = Promise.promise();
    here(
        to.write(bus.self(), book.marks()),
        done -> {
          isWriting = false;
          unwritten.set(done.failed());
          if (done.succeeded()) {
            waiting.complete();
          } else {
            notWritten(to, done.cause(), waiting);
          }
          if (isWriteDue) {
            write(to);
          }
        });
  }

  private void notWritten(MarkStore to, Throwable cause, Promise<Void> waiting) {
    LOG.error("the keys could not be written to {}; tried again soon", to, cause);
    waiting.fail(
        new TenancyException(
            Fault.INTERNAL,
            "all nodes go by it now, but it could not be written to "
                + to
                + ": "
                + cause
                + "; while that is so, it is lost when all nodes are down at once",
            ""));
    vertx.setTimer(WRITE_AGAIN_MILLIS, due -> soonWritten());
  }
}
