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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * together, at a cost that goes by what has changed and hardly by how much there is. What can not
 * be written holds all the same, and is tried again until it can.
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
  private final Consumer<Optional<String>> unwrittenTold;
  private final SecureRandom random = new SecureRandom();
  private final LiveSetting<Register> register;
  private final LiveSetting<Jwks> jwks;

  private List<TenancyMark> stored = List.of(); // before it is deployed
  private boolean isUnread; // before it is deployed, then on its event loop

  // Touched only on this verticle's event loop.
  private Book<TenancyMark> book = empty();
  private final Map<String, TenancyMark> known = new HashMap<>(); // told, by target
  private final List<TenancyMark> untold = new ArrayList<>();
  private Register ahead = Register.OPEN; // with what is not told yet
  private Runnable strangers = () -> {};
  private boolean isTellDue;
  private Promise<Void> told = Promise.promise();
  private final Map<String, TenancyMark> unsaved = new LinkedHashMap<>(); // by target
  private boolean isAllUnsaved;
  private boolean isWriting;
  private boolean isWriteDue;
  private boolean isAgainDue;
  private Promise<Optional<String>> written = Promise.promise(); // with a warning

  /**
   * @param vertx on which it will be deployed
   * @param region that this node is in
   * @param store where the book is kept; empty: in memory alone
   * @param limits where limits are kept outside of the cluster
   * @param unwrittenTold told why a change is not in the store, and when all are again; on its loop
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
      MeterRegistry meters,
      Consumer<Optional<String>> unwrittenTold) {
    this.bus = bus;
    this.unwrittenTold = unwrittenTold;
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
    Gauge.builder(Names.KEYS, register, setting -> setting.now().keyCount()).register(meters);
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
          isAllUnsaved = true;
          anew();
          soonWritten();
        });
  }

  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    JwksWatch watch = new JwksWatch(vertx, jwksSource, jwks, clock);
    strangers = watch::strangerShown;
    book.merge(stored);
    anew();
    return soonTold()
        .compose(x -> bus.consume(Room.TENANCY, 0, this::hear))
        .onSuccess(
            registration -> {
              gossip.start(vertx);
              store.ifPresent(this::keep);
              config.onChange(
                  next -> {
                    watch.follow(next.auth().jwt() ? next.jwt() : Optional.empty());
                    anew();
                  });
            });
  }

  private void keep(MarkStore in) {
    if (isUnread) {
      vertx.setTimer(READ_AGAIN_MILLIS, due -> readAgain(in));
    }
    if (!in.renewal().isZero()) {
      vertx.setPeriodic(
          in.renewal().toMillis(),
          due -> {
            isAllUnsaved = true;
            soonWritten();
          });
    }
  }

  /** A store answers on whatever thread it has. */
  private <T> void here(Future<T> answer, Consumer<AsyncResult<T>> then) {
    answer.onComplete(done -> context.runOnContext(turn -> then.accept(done)));
  }

  /** All is told again, by the configuration of now; O(n log n). */
  private void anew() {
    known.clear();
    untold.clear();
    untold.addAll(book.marks());
    ahead = Register.of(config.now(), untold, !isUnread);
    soonTold();
  }

  /** Marks are in the book that were not before. */
  private void changed(List<TenancyMark> marks) {
    marks.forEach(mark -> unsaved.put(mark.target(), mark));
    if (book.isFull()) {
      anew(); // it may have forgotten some
      return;
    }
    untold.addAll(marks);
    ahead = ahead.with(marks);
    soonTold();
  }

  private void rebuild(Throwable bug) {
    LOG.error("the book of keys failed; it is written anew from its {} marks", known.size(), bug);
    rebuilt.increment();
    Book<TenancyMark> next = empty();
    next.merge(List.copyOf(known.values()));
    book = next;
    isAllUnsaved = true;
    anew();
    soonWritten();
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
  public Future<Done<Created>> create(
      TenantId tenant, String name, Duration life, RateLimits limits) {
    return order(
        orders -> orders.create(ahead, tenant, name, life, limits, clock.epochMillis()),
        order -> order.created().orElseThrow());
  }

  @Override
  public Future<Done<ApiKey>> revoke(String id) {
    return order(
        orders -> orders.revoke(ahead, id, clock.epochMillis()),
        order -> order.marks().get(0).key().orElseThrow());
  }

  @Override
  public Future<Done<Created>> rotate(String id, Duration overlap) {
    return order(
        orders -> orders.rotate(ahead, id, overlap, clock.epochMillis()),
        order -> order.created().orElseThrow());
  }

  @Override
  public Future<Done<Tenant>> put(Tenant tenant) {
    return order(
        orders -> {
          changeable(tenant.id());
          return orders.put(tenant, clock.epochMillis());
        },
        order -> tenant);
  }

  @Override
  public Future<Done<Tenant>> remove(TenantId id) {
    return order(
        orders -> {
          changeable(id);
          return orders.remove(ahead, id, clock.epochMillis());
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

  private <T> Future<Done<T>> order(
      Function<KeyOrders, KeyOrders.Order> what, Function<KeyOrders.Order, T> answer) {
    Promise<Done<T>> done = Promise.promise();
    context.runOnContext(
        turn -> {
          try {
            KeyOrders.Order order = what.apply(new KeyOrders(bus.self(), book, random));
            T result = answer.apply(order);
            changed(book.merge(order.marks()));
            gossip.said(order.marks());
            Future<Optional<String>> saved = soonWritten();
            soonTold().compose(x -> saved).map(why -> new Done<>(result, why)).onComplete(done);
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
      List<TenancyMark> news =
          marks.from().equals(bus.self()) ? List.of() : book.merge(marks.marks());
      if (!news.isEmpty()) {
        gossip.learned();
        changed(news);
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
    untold.forEach(mark -> known.put(mark.target(), mark));
    untold.clear();
    register.become(ahead).onComplete(waiting);
  }

  /** Completes when the book of now is in the store, or with why it is not. */
  private Future<Optional<String>> soonWritten() {
    if (store.isEmpty()) {
      return Future.succeededFuture(Optional.empty());
    }
    Future<Optional<String>> future = written.future();
    isWriteDue = true;
    if (!isWriting) {
      write(store.get());
    }
    return future;
  }

  private void write(MarkStore to) {
    isWriting = true;
    isWriteDue = false;
    Promise<Optional<String>> waiting = written;
    written = Promise.promise();
    boolean all = isAllUnsaved || !to.takes(unsaved.size());
    List<TenancyMark> marks = all ? book.marks() : List.copyOf(unsaved.values());
    List<TenancyMark> saving = List.copyOf(unsaved.values());
    unsaved.clear();
    isAllUnsaved = false;
    here(
        to.write(marks, all),
        done -> {
          isWriting = false;
          if (done.failed()) {
            saving.forEach(mark -> unsaved.putIfAbsent(mark.target(), mark));
            isAllUnsaved |= all;
            notWritten(to, done.cause(), waiting);
          } else if (done.result()) {
            isWritten(to, waiting);
          } else {
            isAllUnsaved = true;
            soonWritten().onComplete(waiting);
          }
          if (isWriteDue && !isWriting) {
            write(to);
          }
        });
  }

  private void isWritten(MarkStore to, Promise<Optional<String>> waiting) {
    if (unwritten.getAndSet(false)) {
      LOG.info("all keys and tenants are in {} again", to);
      unwrittenTold.accept(Optional.empty());
    }
    waiting.complete(Optional.empty());
  }

  private void notWritten(MarkStore to, Throwable cause, Promise<Optional<String>> waiting) {
    LOG.error("the keys could not be written to {}; tried again soon", to, cause);
    String why =
        "all nodes go by it now, but it could not be written to "
            + to
            + ": "
            + cause
            + "; while that is so, it is lost when all nodes are down at once";
    unwritten.set(true);
    unwrittenTold.accept(Optional.of(to + ": " + cause));
    waiting.complete(Optional.of(why));
    if (!isAgainDue) {
      isAgainDue = true;
      vertx.setTimer(
          WRITE_AGAIN_MILLIS,
          due -> {
            isAgainDue = false;
            soonWritten();
          });
    }
  }
}
