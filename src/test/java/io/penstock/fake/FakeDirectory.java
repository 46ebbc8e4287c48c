package io.penstock.fake;

import io.penstock.bus.Directory;
import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Absent;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A directory that shows what the test says. Thread-safe. */
public final class FakeDirectory implements Directory {
  private final List<Consumer<View>> listeners = new ArrayList<>();
  private View view;

  public FakeDirectory(View view) {
    this.view = view;
  }

  /** A view of these nodes. */
  public static View of(View.Node... nodes) {
    return new View(List.of(nodes));
  }

  /** A node with one ingress loop if it has that role. */
  public static View.Node node(String id, Role... roles) {
    Set<Role> all = Set.of(roles);
    int lanes = all.contains(Role.INGRESS) ? 1 : 0;
    return new View.Node(new NodeId(id), id, "", all, lanes, "", false);
  }

  /** The cluster changes. */
  public void change(View next) {
    List<Consumer<View>> told;
    synchronized (this) {
      view = next;
      told = List.copyOf(listeners);
    }
    told.forEach(listener -> listener.accept(next));
  }

  @Override
  public synchronized View view() {
    return view;
  }

  @Override
  public synchronized Future<Forgetting> forget(String nameOrId, boolean force) {
    List<Absent> rest =
        view.missing().stream().filter(who -> !who.name().equals(nameOrId)).toList();
    boolean forgotten = rest.size() < view.missing().size();
    view = new View(view.nodes(), rest, view.share(), view.reunions());
    return Future.succeededFuture(forgotten ? Forgetting.DONE : Forgetting.NOT_MISSING);
  }

  @Override
  public void onChange(Consumer<View> listener) {
    @Nullable Context context = Vertx.currentContext();
    Consumer<View> told =
        context == null ? listener : view -> context.runOnContext(turn -> listener.accept(view));
    View current;
    synchronized (this) {
      listeners.add(told);
      current = view;
    }
    told.accept(current);
  }
}
