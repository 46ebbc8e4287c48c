package io.penstock.fake;

import io.penstock.bus.Directory;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A directory whose views the test makes. */
public final class ProberFakeDirectory implements Directory {
  private record Listener(Context context, Consumer<View> handler) {}

  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile View view = new View(List.of());

  /** From now on these nodes, and no others, probe. */
  public void probers(NodeId... probers) {
    List<View.Node> nodes = new ArrayList<>();
    for (NodeId id : probers) {
      nodes.add(new View.Node(id, id.value(), "", Set.of(Role.HEALTH_PROBER), 0, "hash", false));
    }
    view = new View(nodes);
    listeners.forEach(this::tell);
  }

  @Override
  public View view() {
    return view;
  }

  @Override
  public void onChange(Consumer<View> listener) {
    Listener added = new Listener(Vertx.currentContext(), listener);
    listeners.add(added);
    tell(added);
  }

  private void tell(Listener listener) {
    View now = view;
    listener.context().runOnContext(go -> listener.handler().accept(now));
  }
}
