package io.penstock.admin;

import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Drains;
import io.penstock.bus.Setting;
import io.penstock.inference.Fleet;
import io.penstock.message.AskNode;
import io.penstock.message.Message;
import io.penstock.message.NodeReport;
import io.penstock.message.PoolReport;
import io.penstock.message.Room;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServerOptions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The node's part in the admin API: its HTTP server, if it has one, and its answers to others. */
public final class AdminVerticle extends VerticleBase {
  private static final Logger LOG = LoggerFactory.getLogger(AdminVerticle.class);
  private static final int IDLE_SECONDS = 600;

  private final Bus bus;
  private final Directory directory;
  private final Drains drains;
  private final Setting<Fleet> fleet;
  private final Optional<Setting<AdminConfig>> config;
  private final NodeControl control;
  private @Nullable Questions questions;

  /**
   * @param config absent: no HTTP server; its key may change, its address does not
   */
  public AdminVerticle(
      Bus bus,
      Directory directory,
      Drains drains,
      Setting<Fleet> fleet,
      Optional<Setting<AdminConfig>> config,
      NodeControl control) {
    this.bus = bus;
    this.directory = directory;
    this.drains = drains;
    this.fleet = fleet;
    this.config = config;
    this.control = control;
  }

  @Override
  public Future<?> start() {
    Questions asked = new Questions(vertx, bus);
    questions = asked;
    Future<?> heard = bus.consume(Room.ADMIN, 0, message -> receive(message, asked));
    return config.isEmpty() ? heard : heard.compose(x -> listen(config.get(), asked));
  }

  private Future<?> listen(Setting<AdminConfig> admin, Questions asked) {
    Routes routes =
        new Routes(
            vertx,
            new Fleets(bus.self(), directory, fleet, asked),
            directory,
            drains,
            new HereControl(),
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
    @Override
    public Future<Void> drain() {
      return here(control.drain());
    }

    @Override
    public Future<Void> resume() {
      return here(control.resume());
    }

    @Override
    public Future<Standing> standing() {
      return here(control.standing());
    }

    @Override
    public Future<Reload> reload() {
      return here(control.reload());
    }

    private <T> Future<T> here(Future<T> future) {
      Promise<T> promise = Promise.promise();
      future.onComplete(
          done ->
              context.runOnContext(
                  turn -> {
                    if (done.succeeded()) {
                      promise.complete(done.result());
                    } else {
                      promise.fail(done.cause());
                    }
                  }));
      return promise.future();
    }
  }
}
