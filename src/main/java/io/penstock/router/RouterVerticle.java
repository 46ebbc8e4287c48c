package io.penstock.router;

import io.penstock.bus.Bus;
import io.penstock.bus.Drains;
import io.penstock.bus.HeardShares;
import io.penstock.bus.Setting;
import io.penstock.inference.Fleet;
import io.penstock.inference.RequestId;
import io.penstock.message.AskHealth;
import io.penstock.message.HealthReport;
import io.penstock.message.ListModels;
import io.penstock.message.Message;
import io.penstock.message.Models;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Room;
import io.penstock.message.Route;
import io.penstock.message.Station;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The role {@code router}: answers Route with a Plan or a Refusal and ListModels with the
 * catalogue, and follows the probers' reports and the configuration. One instance per node; any
 * router of the cluster answers alike.
 */
public final class RouterVerticle extends VerticleBase {
  private static final Logger LOG = LoggerFactory.getLogger(RouterVerticle.class);

  /** Reports of probers that did not know of this node yet may have missed it. */
  private static final long ASK_AGAIN_MILLIS = 500;

  private final Bus bus;
  private final Drains drains;
  private final HeardShares shares = new HeardShares();
  private final Setting<Fleet> fleet;
  private RouteTable table; // touched on this verticle's event loop only
  private Fleet routed; // what the table is of
  private Bus.@Nullable Registration registration;

  public RouterVerticle(Bus bus, Drains drains, Setting<Fleet> fleet) {
    this.bus = bus;
    this.drains = drains;
    this.fleet = fleet;
    this.routed = fleet.now();
    this.table = new RouteTable(routed);
  }

  @Override
  public Future<?> start() {
    return bus.consume(Room.ROUTER, 0, this::receive)
        .onSuccess(
            done -> {
              registration = done;
              drains.onChange(state -> table.drains(state));
              fleet.onChange(this::fleetChanged);
              askHealth();
              vertx.setTimer(ASK_AGAIN_MILLIS, due -> askHealth());
            });
  }

  private void askHealth() {
    bus.publish(Room.PROBER, new AskHealth(bus.self()));
  }

  private void fleetChanged(Fleet next) {
    if (!next.equals(routed)) {
      routed = next;
      table = table.with(next);
    }
  }

  @Override
  public Future<?> stop() {
    return registration == null ? Future.succeededFuture() : registration.cancel();
  }

  private void receive(Message message) {
    if (message instanceof Route route) {
      table.route(route).tell(new Answer(route.replyTo()));
    } else if (message instanceof ListModels question) {
      send(question.replyTo(), question.id(), new Models(question.id(), table.cards()));
    } else if (message instanceof HealthReport report) {
      if (shares.isOfUse(report)) {
        report.replicas().forEach(table::report);
      } else {
        askHealth(); // the share was missed
      }
    } else {
      LOG.warn(
          "router got {} (expected: Route, ListModels, HealthReport)",
          message.getClass().getSimpleName());
    }
  }

  private final class Answer implements RouteDecision.Outlet {
    private final Station to;

    Answer(Station to) {
      this.to = to;
    }

    @Override
    public void planned(Plan plan) {
      send(to, plan.id(), plan);
    }

    @Override
    public void refused(Refusal refusal) {
      send(to, refusal.id(), refusal);
    }
  }

  private void send(Station to, RequestId id, Message answer) {
    bus.send(to, answer)
        .onFailure(
            failure ->
                LOG.info("answer to {} of {} not delivered: {}", id, to, failure.getMessage()));
  }
}
