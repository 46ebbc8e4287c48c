package io.penstock.tenancy;

import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shell of {@link LimitKeeper}: one for each node with the role ingress, which keeps the limits
 * of the tenants that fall to the node.
 */
public final class LimitsVerticle extends VerticleBase {
  /** How long loops may take to tell a new keeper what they have used. */
  private static final long LEARN_MILLIS = 500;

  private static final long TIDY_MILLIS = 1_000;
  private static final Logger LOG = LoggerFactory.getLogger(LimitsVerticle.class);

  private final Bus bus;
  private final Directory directory;
  private final Clock clock;
  private final LimitKeeper keeper = new LimitKeeper(new SecureRandom().nextLong() | 1);
  private List<NodeId> others = List.of();

  public LimitsVerticle(Bus bus, Directory directory, Clock clock) {
    this.bus = bus;
    this.directory = directory;
    this.clock = clock;
  }

  @Override
  public Future<?> start() {
    return bus.consume(Room.LIMITS, 0, this::hear)
        .onSuccess(
            registration -> {
              directory.onChange(this::changed);
              vertx.setPeriodic(TIDY_MILLIS, tick -> keeper.tidy(clock.millis()));
            });
  }

  private void changed(View view) {
    long nowMillis = clock.millis();
    Set<Station> alive = new HashSet<>();
    for (View.Node node : view.nodes()) {
      for (int lane = 0; lane < node.lanes(); lane++) {
        alive.add(new Station(node.id(), Room.INGRESS, lane));
      }
    }
    keeper.onlyOf(alive::contains, nowMillis);
    keeper.only(tenant -> view.keeperOf(tenant).filter(bus.self()::equals).isPresent());
    List<NodeId> now =
        view.with(Role.INGRESS).stream().filter(id -> !id.equals(bus.self())).toList();
    if (!now.equals(others)) {
      others = now;
      keeper.learnUntil(nowMillis + (now.isEmpty() ? 0 : LEARN_MILLIS));
    }
  }

  private void hear(Message message) {
    if (!(message instanceof LimitAsk ask)) {
      LOG.warn("{} is no message for a keeper of limits", message.getClass().getSimpleName());
      return;
    }
    boolean mine = directory.view().keeperOf(ask.tenant()).filter(bus.self()::equals).isPresent();
    LimitAnswer answer =
        mine
            ? keeper.answer(ask, clock.millis())
            : new LimitAnswer(
                ask.tenant(), LimitAnswer.NOT_KEPT, ask.seq(), true, List.of());
    bus.send(ask.from(), answer)
        .onFailure(e -> LOG.debug("{} was not reached: {}", ask.from(), e.getMessage()));
  }
}
