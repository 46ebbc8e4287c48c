package io.penstock.tenancy;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Done;
import io.penstock.bus.KeptBook;
import io.penstock.bus.LiveSetting;
import io.penstock.bus.MarkForm;
import io.penstock.bus.MarkStore;
import io.penstock.bus.OrderException;
import io.penstock.bus.Setting;
import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's {@link KeptBook} of keys and tenants; tells the ingress loops who may come in.
 *
 * <p>When an entry throws, the book may be half changed. It is written anew from the marks that
 * were told last; what was lost with it, other nodes tell within seconds.
 */
public final class TenancyVerticle extends VerticleBase implements KeyStore, Doors {
  /** How keys and tenants are written down. */
  public static final MarkForm<TenancyMark> FORM =
      new MarkForm<>(
          "keys",
          TenancyMarks::new,
          told -> told instanceof TenancyMarks marks ? marks.marks() : List.of());

  private static final Logger LOG = LoggerFactory.getLogger(TenancyVerticle.class);

  private final Bus bus;
  private final Setting<TenancyConfig> config;
  private final String region;
  private final JwksSource jwksSource;
  private final Optional<LimitStore.Factory> limits;
  private final Clock clock;
  private final KeptBook<TenancyMark> book;
  private final Counter rebuilt;
  private final SecureRandom random = new SecureRandom();
  private final LiveSetting<Register> register;
  private final LiveSetting<Jwks> jwks;

  // Touched only on this verticle's event loop.
  private Register ahead = Register.OPEN; // with what is not told yet
  private Runnable strangers = () -> {};

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
      Optional<MarkStore<TenancyMark>> store,
      Optional<LimitStore.Factory> limits,
      Clock clock,
      MeterRegistry meters,
      Consumer<Optional<String>> unwrittenTold) {
    this.bus = bus;
    this.config = config;
    this.region = region;
    this.jwksSource = jwksSource;
    this.limits = limits;
    this.clock = clock;
    this.register = new LiveSetting<>(vertx, Register.of(config.now(), List.of(), true));
    this.book =
        new KeptBook<>(
            FORM,
            KeyOrders.MARKS_MAX,
            bus,
            directory,
            Room.TENANCY,
            store,
            new Ahead(),
            unwrittenTold);
    this.rebuilt = meters.counter(Names.VERTICLE_RESTARTS, "role", "tenancy");
    this.jwks = new LiveSetting<>(vertx, Jwks.NONE);
    Gauge.builder(Names.KEYS_UNWRITTEN, book, each -> each.isUnwritten() ? 1 : 0).register(meters);
    Gauge.builder(Names.KEYS, register, setting -> setting.now().keyCount()).register(meters);
  }

  /** Makes the register that is ahead of what is told. */
  private final class Ahead implements KeptBook.Reader<TenancyMark> {
    @Override
    public void changed(List<TenancyMark> marks) {
      ahead = ahead.with(marks);
    }

    @Override
    public void anew(List<TenancyMark> marks, boolean isComplete) {
      ahead = Register.of(config.now(), marks, isComplete);
    }

    @Override
    public Future<Void> tell() {
      return register.become(ahead);
    }
  }

  /**
   * Reads the store; to be called once, before it is deployed. One that can't be reached is read
   * later: other nodes may know all of it, and tenants of the configuration do not need it.
   *
   * @return fails, in words, when what is stored is not as it was written
   */
  public Future<Void> load() {
    return book.load();
  }

  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    JwksWatch watch = new JwksWatch(vertx, jwksSource, jwks, clock);
    strangers = watch::strangerShown;
    return book.start(vertx)
        .compose(x -> bus.consume(Room.TENANCY, 0, this::hear))
        .onSuccess(
            registration -> {
              book.join();
              config.onChange(
                  next -> {
                    watch.follow(next.auth().jwt() ? next.jwt() : Optional.empty());
                    book.anew();
                  });
            });
  }

  private void rebuild(Throwable bug) {
    rebuilt.increment();
    book.rebuild(bug);
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
      throw new OrderException(
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
            KeyOrders.Order order = what.apply(new KeyOrders(bus.self(), book.book(), random));
            T result = answer.apply(order);
            book.order(order.marks()).map(why -> new Done<>(result, why)).onComplete(done);
          } catch (OrderException no) {
            done.fail(no);
          } catch (RuntimeException bug) {
            done.fail(bug);
            throw bug;
          }
        });
    return done.future();
  }

  private void hear(Message message) {
    if (!book.hear(message)) {
      LOG.warn("{} is no message for a book of keys; dropped", message.getClass().getSimpleName());
    }
  }
}
