package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The calls that one loop makes of itself, to models that embed prompts or judge drafts; at most
 * one at a time for each request that it carries.
 */
final class SideCalls {
  /** One that waits for a slot. */
  interface Waiting {
    /** There is a slot. */
    void granted(Grant grant);

    /** The pool will not serve it. */
    void refused(Refusal refusal);
  }

  private final Supplier<RequestId> ids;
  private final Map<RequestId, Waiting> open = new HashMap<>();

  SideCalls(Supplier<RequestId> ids) {
    this.ids = ids;
  }

  /** One begins; the id under which it waits. */
  RequestId opened(Waiting call) {
    RequestId id = ids.get();
    open.put(id, call);
    return id;
  }

  void closed(RequestId id) {
    open.remove(id);
  }

  void granted(Grant grant) {
    Waiting call = open.get(grant.id());
    if (call != null) {
      call.granted(grant);
    }
  }

  void refused(Refusal refusal) {
    Waiting call = open.get(refusal.id());
    if (call != null) {
      call.refused(refusal);
    }
  }
}
