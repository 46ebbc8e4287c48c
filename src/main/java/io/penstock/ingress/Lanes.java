package io.penstock.ingress;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Batch;
import io.penstock.message.Bytes;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneCredit;
import io.penstock.message.LaneEnd;
import io.penstock.message.LaneLeave;
import io.penstock.message.LaneOpen;
import io.penstock.message.LaneSent;
import io.penstock.message.Message;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.openai.LaneBody;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One loop's part in calls that requests share: the batches that it hosts, the lanes that come to
 * them from other loops, and the lanes of its own requests, wherever their host is.
 *
 * <p>Its size is bounded by the slots and seats that owners give, and by {@link #EARLY_MAX}.
 */
final class Lanes {
  /** Lanes that have come before word of their batch has; more are left out. */
  static final int EARLY_MAX = 1_024;

  private final Station self;
  private final Post post;
  private final Supplier<LoopParts> loop;
  private final Runnable whenIdle;
  private final Map<RequestId, BatchHost> hosts = new LinkedHashMap<>();
  private final Map<RequestId, LaneCall> calls = new LinkedHashMap<>();
  private final Map<RequestId, RemoteGuest> guests = new LinkedHashMap<>();
  private final List<Early> early = new ArrayList<>();
  private Set<NodeId> nodes;

  /** Sends to a loop of this node or another. */
  interface Post {
    Future<Void> send(Station to, Message message);
  }

  private record Early(
      RequestId batch, RequestId id, LaneBody body, Guest guest, long untilMillis) {}

  /**
   * @param whenIdle called when the last batch that is hosted here is over
   */
  Lanes(Station self, View view, Post post, Supplier<LoopParts> loop, Runnable whenIdle) {
    this.self = self;
    this.post = post;
    this.loop = loop;
    this.whenIdle = whenIdle;
    this.nodes = nodes(view);
  }

  private static Set<NodeId> nodes(View view) {
    Set<NodeId> ids = new HashSet<>();
    view.nodes().forEach(node -> ids.add(node.id()));
    return ids;
  }

  /** Whether nothing is hosted here and no lane waits. */
  boolean isIdle() {
    return hosts.isEmpty() && guests.isEmpty() && calls.isEmpty() && early.isEmpty();
  }

  /** Whether other loops wait for something of this one. */
  boolean isHost() {
    return !hosts.isEmpty() || !guests.isEmpty();
  }

  /** A call of several requests is to be made here. */
  void host(Batch batch, long nowMillis) {
    RequestId id = batch.grant().id();
    var pool = loop.get().pool(batch.grant().pool());
    if (pool.isEmpty()) {
      loop.get()
          .slots()
          .release(batch.grant().pool(), id, Outcome.CANCELLED, TokenUsage.NONE, -1, 0, 0);
      return; // its lanes are told when they come
    }
    BatchHost host = new BatchHost(loop.get(), batch, pool.get(), () -> hostOver(id), nowMillis);
    hosts.put(id, host);
    for (Early each : List.copyOf(early)) {
      if (each.batch().equals(id)) {
        early.remove(each);
        host.open(each.id(), each.body(), each.guest());
      }
    }
  }

  private void hostOver(RequestId id) {
    hosts.remove(id);
    whenIdle.run();
  }

  /** What a request that has a seat asks, in the place of a call of its own. */
  LaneCall call(Seat seat, LaneBody body, Upstream.Listener listener) {
    return new LaneCall(this, seat, body, listener, loop.get().clock().millis());
  }

  /** A lane of a request of this loop begins. */
  void open(LaneCall call) {
    Seat seat = call.seat();
    calls.put(seat.id(), call);
    if (seat.host().equals(self)) {
      open(seat.batch(), seat.id(), call.body(), call);
      return;
    }
    LaneOpen open =
        new LaneOpen(
            seat.batch(),
            seat.id(),
            self,
            Optional.of(call.body().operation()),
            new Bytes(call.body().bytes()));
    post.send(seat.host(), open).onFailure(unreached -> call.lost("its host can not be reached"));
  }

  private void open(RequestId batch, RequestId id, LaneBody body, Guest guest) {
    BatchHost host = hosts.get(batch);
    if (host != null) {
      host.open(id, body, guest);
    } else if (early.size() >= EARLY_MAX) {
      guest.fail(LaneEnd.LEFT_OUT);
    } else {
      long until = loop.get().clock().millis() + Course.GATHER_MILLIS;
      early.add(new Early(batch, id, body, guest, until));
    }
  }

  /** A seat is not taken, or given up. */
  void leave(Seat seat) {
    if (seat.host().equals(self)) {
      left(seat.batch(), seat.id());
    } else {
      post.send(seat.host(), new LaneLeave(seat.batch(), seat.id()));
    }
  }

  private void left(RequestId batch, RequestId id) {
    RemoteGuest guest = guests.get(id);
    if (guest != null && guest.isOf(batch)) {
      guests.remove(id);
    }
    early.removeIf(each -> each.id().equals(id) && each.batch().equals(batch));
    BatchHost host = hosts.get(batch);
    if (host != null) {
      host.leave(id);
    }
    whenIdle.run();
  }

  /** A lane of a request of this loop is over. */
  void closed(LaneCall call) {
    calls.remove(call.id(), call);
  }

  /** A lane of a request of this loop has read so much, and is there. */
  void credit(LaneCall call, int read) {
    Seat seat = call.seat();
    if (!seat.host().equals(self)) {
      post.send(seat.host(), new LaneCredit(seat.batch(), seat.id(), self, read))
          .onFailure(unreached -> call.lost("its host can not be reached"));
    }
  }

  void onOpen(LaneOpen open) {
    RemoteGuest guest =
        new RemoteGuest(
            open.batch(), open.id(), open.replyTo(), message -> post.send(open.replyTo(), message));
    Optional<LaneBody> body =
        LaneBody.of(open.operation().orElse(Operation.EMBEDDINGS), open.body().value());
    if (body.isEmpty()) {
      guest.fail(LaneEnd.LEFT_OUT);
      return;
    }
    guests.put(open.id(), guest);
    open(open.batch(), open.id(), body.get(), guest);
    forgetIfOver(open.id(), guest);
  }

  void onLeave(LaneLeave leave) {
    left(leave.batch(), leave.id());
  }

  void onSent(LaneSent sent) {
    LaneCall call = calls.get(sent.id());
    if (call != null && call.seat().batch().equals(sent.batch())) {
      call.sent();
    }
  }

  void onAnswer(LaneAnswer answer) {
    LaneCall call = calls.get(answer.id());
    if (call != null && call.seat().batch().equals(answer.batch())) {
      call.onAnswer(answer);
    }
  }

  void onCredit(LaneCredit credit) {
    RemoteGuest guest = guests.get(credit.id());
    if (guest == null || !guest.isOf(credit.batch())) {
      post.send(
          credit.replyTo(),
          new LaneAnswer(credit.batch(), credit.id(), -1, 0, "", "", Bytes.NONE, LaneEnd.LEFT_OUT));
      return;
    }
    guest.credit(credit.read());
    forgetIfOver(credit.id(), guest);
  }

  private void forgetIfOver(RequestId id, RemoteGuest guest) {
    if (guest.isOver() && guests.remove(id, guest)) {
      whenIdle.run();
    }
  }

  /** Hosts and guests on nodes that are gone are gone. */
  void onView(View view) {
    Set<NodeId> gone = nodes;
    nodes = nodes(view);
    gone.removeAll(nodes);
    if (gone.isEmpty()) {
      return;
    }
    for (LaneCall each : List.copyOf(calls.values())) {
      if (gone.contains(each.seat().host().node())) {
        each.lost("the node of its host is gone");
      }
    }
    List<RequestId> left = new ArrayList<>();
    guests.forEach(
        (id, guest) -> {
          if (gone.contains(guest.station().node())) {
            left.add(id);
          }
        });
    for (RequestId id : left) {
      guests.remove(id);
      early.removeIf(each -> each.id().equals(id));
      List.copyOf(hosts.values()).forEach(host -> host.leave(id));
    }
    whenIdle.run();
  }

  void tick(long nowMillis) {
    List.copyOf(hosts.values()).forEach(host -> host.tick(nowMillis));
    List.copyOf(calls.values()).forEach(call -> call.tick(nowMillis));
    for (Early each : List.copyOf(early)) {
      if (each.untilMillis() <= nowMillis) {
        early.remove(each);
        each.guest().fail(LaneEnd.LEFT_OUT);
      }
    }
    if (guests.values().removeIf(RemoteGuest::isOver)) {
      whenIdle.run();
    }
  }

  /** The node ends: lanes elsewhere ask anew. */
  void close() {
    List.copyOf(hosts.values()).forEach(BatchHost::abort);
    List.copyOf(guests.values()).stream()
        .filter(guest -> !guest.isOver())
        .forEach(guest -> guest.fail(LaneEnd.LEFT_OUT));
    guests.clear();
  }
}
