package io.penstock.admin;

import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Drains;
import io.penstock.bus.Setting;
import io.penstock.inference.Fleet;
import io.penstock.message.AskNode;
import io.penstock.message.Decisions;
import io.penstock.message.Message;
import io.penstock.message.NodeReport;
import io.penstock.message.PoolReport;
import io.penstock.message.PrefixUses;
import io.penstock.message.Room;
import io.penstock.prefix.PrefixStore;
import io.penstock.tenancy.KeyStore;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServerOptions;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The node's part in the admin API: its HTTP server, if it has one, and its answers to others. */
public final class AdminVerticle extends VerticleBase {
  private static final Logger LOG = LoggerFactory.getLogger(AdminVerticle.class);
  private static final int IDLE_SECONDS = 600;

  /** Between two looks at the fleet. */
  private static final long LOOK_MILLIS = 5_000;

  /** The same while somebody waits for something to become healthy. */
  private static final long LOOK_SOON_MILLIS = 250;

  private final Bus bus;
  private final Directory directory;
  private final Drains drains;
  private final KeyStore keys;
  private final PrefixStore prefixes;
  private final Setting<Fleet> fleet;
  private final Optional<Setting<AdminConfig>> config;
  private final NodeControl control;
  private final FleetHealth.Listener listener;
  private final Clock clock;
  private final Lookout lookout = new Lookout();
  private boolean stopped;

  /**
   * @param config absent: no HTTP server; its key may change, its address does not
   */
  public AdminVerticle(
      Bus bus,
      Directory directory,
      Drains drains,
      KeyStore keys,
      PrefixStore prefixes,
      Setting<Fleet> fleet,
      Optional<Setting<AdminConfig>> config,
      NodeControl control,
      FleetHealth.Listener listener,
      Clock clock) {
    this.bus = bus;
    this.directory = directory;
    this.drains = drains;
    this.keys = keys;
    this.prefixes = prefixes;
    this.fleet = fleet;
    this.config = config;
    this.control = control;
    this.listener = listener;
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    Questions asked = new Questions(vertx, bus);
    Fleets fleets = new Fleets(bus.self(), directory, fleet, asked);
    Future<?> heard =
        bus.consume(Room.ADMIN, 0, message -> receive(message, asked))
            .onSuccess(registered -> look(fleets));
    return config.isEmpty() ? heard : heard.compose(x -> listen(config.get(), fleets));
  }

  @Override
  public Future<?> stop() {
    stopped = true;
    return Future.succeededFuture();
  }

  /** Looks at the fleet, and again after a while. */
  private void look(Fleets fleets) {
    fleets
        .look(fleets.now().pools())
        .onSuccess(
            pools -> {
              if (stopped) {
                return;
              }
              boolean soon = listener.heard(lookout.look(pools));
              vertx.setTimer(soon ? LOOK_SOON_MILLIS : LOOK_MILLIS, later -> look(fleets));
            });
  }

  private Future<?> listen(Setting<AdminConfig> admin, Fleets fleets) {
    Carried carried = new Carried(context);
    HereControl control = new HereControl(carried);
    Routes routes =
        new Routes(
            vertx,
            fleets,
            directory,
            drains,
            new KeyRoutes(keys, fleet, carried, clock),
            new PrefixRoutes(prefixes, keys, fleets, carried, clock),
            control,
            admin);
    AdminConfig at = admin.now();
    return vertx
        .createHttpServer(new HttpServerOptions().setIdleTimeout(IDLE_SECONDS))
        .requestHandler(routes.router())
        .listen(at.port(), at.host())
        .onSuccess(up -> LOG.info("admin API on {}", at));
  }

  private void receive(Message message, Questions asked) {
    if (message instanceof PoolReport report) {
      asked.answered(report.question(), report);
    } else if (message instanceof Decisions decisions) {
      asked.answered(decisions.question(), decisions);
    } else if (message instanceof PrefixUses uses) {
      asked.answered(uses.question(), uses);
    } else if (message instanceof NodeReport report) {
      asked.answered(report.question(), report);
    } else if (message instanceof AskNode question) {
      order(question)
          .compose(done -> control.standing())
          .onSuccess(
              standing ->
                  bus.send(
                      question.replyTo(),
                      new NodeReport(
                          question.question(),
                          bus.self(),
                          standing.draining(),
                          standing.live(),
                          standing.roles())))
          .onFailure(failure -> LOG.error("{} could not be carried out", question, failure));
    } else {
      LOG.warn("{} is no message for the admin API; dropped", message.getClass().getSimpleName());
    }
  }

  private Future<Void> order(AskNode question) {
    return switch (question.order()) {
      case REPORT -> Future.succeededFuture();
      case DRAIN -> control.drain();
      case RESUME -> control.resume();
    };
  }

  /** The node's control, with its answers brought back to this verticle's event loop. */
  private final class HereControl implements NodeControl {
    private final Carried carried;

    HereControl(Carried carried) {
      this.carried = carried;
    }

    @Override
    public Future<Void> drain() {
      return carried.here(control.drain());
    }

    @Override
    public Future<Void> resume() {
      return carried.here(control.resume());
    }

    @Override
    public Future<Standing> standing() {
      return carried.here(control.standing());
    }

    @Override
    public Future<Reload> reload() {
      return carried.here(control.reload());
    }
  }
}
