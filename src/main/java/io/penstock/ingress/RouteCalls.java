package io.penstock.ingress;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Questions to routers that have no answer yet. Any router gives the same answer, so this node's
 * own is asked where it has one, else each in turn; a question whose router has gone, or has been
 * silent for {@link #RESEND_MILLIS}, goes to the next. Pure; bounded by the requests that the loop
 * carries.
 */
final class RouteCalls {
  /** Sends to the node's router. A failure comes back through {@link #sendFailed}. */
  interface Outlet {
    void send(NodeId router, Message question);
  }

  static final long RESEND_MILLIS = 500;

  private static final class Call {
    final Message question;
    @Nullable NodeId router;
    long askedMillis;

    Call(Message question) {
      this.question = question;
    }
  }

  private final NodeId self;
  private final Outlet outlet;
  private final Map<RequestId, Call> open = new LinkedHashMap<>();
  private List<NodeId> routers = List.of();
  private int next;

  RouteCalls(NodeId self, View view, Outlet outlet) {
    this.self = self;
    this.outlet = outlet;
    this.routers = view.with(Role.ROUTER);
  }

  void ask(RequestId id, Message question, long nowMillis) {
    Call call = new Call(question);
    open.put(id, call);
    send(call, nowMillis);
  }

  /** Takes the question off; false when it is not open any more and the answer is to be dropped. */
  boolean answered(RequestId id) {
    return open.remove(id) != null;
  }

  void sendFailed(RequestId id, long nowMillis) {
    Call call = open.get(id);
    if (call != null) {
      call.askedMillis = nowMillis - RESEND_MILLIS; // with the next tick
    }
  }

  void onView(View view, long nowMillis) {
    routers = view.with(Role.ROUTER);
    for (Call call : new ArrayList<>(open.values())) {
      if (call.router == null || !routers.contains(call.router)) {
        send(call, nowMillis);
      }
    }
  }

  void tick(long nowMillis) {
    if (open.isEmpty()) {
      return;
    }
    for (Call call : new ArrayList<>(open.values())) {
      if (nowMillis - call.askedMillis >= RESEND_MILLIS) {
        send(call, nowMillis);
      }
    }
  }

  private void send(Call call, long nowMillis) {
    call.askedMillis = nowMillis;
    call.router = pick(call.router);
    if (call.router != null) {
      outlet.send(call.router, call.question);
    }
  }

  private @Nullable NodeId pick(@Nullable NodeId failed) {
    if (routers.isEmpty()) {
      return null;
    }
    if (failed == null && routers.contains(self)) {
      return self;
    }
    next = (next + 1) % routers.size();
    return routers.get(next);
  }
}
