package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Called;
import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Merged;
import io.penstock.inference.BatchPolicy;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import io.penstock.message.Batch;
import io.penstock.message.Company;
import io.penstock.message.Grant;
import io.penstock.message.Seat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which waiting requests share a call. Pure.
 *
 * <p>Group commit, as databases do it with their logs: whoever finds an idle replica goes at once,
 * alone if need be, and while a call is under way others gather for the next one. So an idle pool
 * adds no wait, and a busy one has larger batches the busier it is, without a knob. Only while
 * every replica is at work and has slots left does a request wait for company at all, until its
 * batch is full or until it has waited for {@code batch_timeout_ms}. To wait always, as batchers in
 * front of one engine do, was rejected: it costs the timeout where there is nothing to gain.
 *
 * <p>Requests gather outside of the pool's queue. One that is ripe queues up like any other, in the
 * order of its class; when its turn comes it takes along all that asks for the same, ripe or not,
 * first classes first and then by arrival, up to {@code max_batch_size} inputs and to the first
 * that does not fit. Who has company is the ingress loops' to say: one that may have broken an
 * engine asks for none.
 *
 * <p>Everything here is bounded by the pool's queue; what a call costs grows with the batch and not
 * with the queue.
 */
final class Gathering {
  private static final Comparator<Waiting> ORDER =
      Comparator.<Waiting, Priority>comparing(each -> each.admit.priority())
          .thenComparingLong(each -> each.rank);

  /** Requests with equal keys may share a call. */
  private record Key(String company, Served by) {}

  /** Who can serve a request. */
  private record Served(int needs, Set<ReplicaId> excluded) {}

  private static final class Group {
    final Served served;
    final TreeSet<Waiting> all = new TreeSet<>(ORDER);
    final LinkedHashSet<Waiting> held = new LinkedHashSet<>();
    int heldInputs;

    Group(Served served) {
      this.served = served;
    }
  }

  private BatchPolicy policy;
  private final Map<Key, Group> groups = new HashMap<>();

  /** Those that wait for company, in the order of their arrival. */
  private final Map<Waiting, Group> held = new LinkedHashMap<>();

  /** The groups of these, in the order in which they began to. */
  private final Set<Group> heldGroups = new LinkedHashSet<>();

  private final Map<Priority, Integer> heldByClass = new EnumMap<>(Priority.class);

  /** Groups that wait for company have become full since somebody asked. */
  private final Set<Group> full = new LinkedHashSet<>();

  private final List<Replica> candidates = new ArrayList<>();

  /** Who came along in each call that several share, by its slot. */
  private final Map<RequestId, List<Along>> lanes = new HashMap<>();

  /**
   * A request that shares the slot of another.
   *
   * @param callerId by which its client knows it
   */
  record Along(RequestId slot, String callerId, Priority priority, Charge charge) {}

  Gathering(BatchPolicy policy) {
    this.policy = policy;
  }

  /** Goes by other rules from now on. */
  void redefine(BatchPolicy next) {
    policy = next;
  }

  private boolean mayShare(Admit admit) {
    return policy.enabled() && admit.company().isPresent();
  }

  /**
   * Whether a request is to wait for company.
   *
   * @param free replicas that would take it now
   */
  boolean keepsWaiting(Admit admit, List<Replica> free) {
    return mayShare(admit)
        && inputs(admit) < policy.maxSize()
        && free.stream().allMatch(each -> each.live() > 0);
  }

  /** Of the replicas that would take a request, the idle ones where there are any. */
  void preferIdle(Admit admit, List<Replica> free) {
    if (mayShare(admit) && free.stream().anyMatch(each -> each.live() == 0)) {
      free.removeIf(each -> each.live() > 0);
    }
  }

  /**
   * A request waits.
   *
   * @param forCompany whether outside of the queue
   */
  void add(Waiting waiting, boolean forCompany) {
    if (!mayShare(waiting.admit)) {
      return;
    }
    Group group = groups.computeIfAbsent(key(waiting.admit), key -> new Group(key.by()));
    group.all.add(waiting);
    if (forCompany) {
      held.put(waiting, group);
      group.held.add(waiting);
      heldGroups.add(group);
      group.heldInputs += inputs(waiting.admit);
      heldByClass.merge(waiting.admit.priority(), 1, Integer::sum);
      if (group.heldInputs >= policy.maxSize()) {
        full.add(group);
      }
    }
  }

  /**
   * A request waits no more.
   *
   * @return whether it was outside of the queue
   */
  boolean remove(Waiting waiting) {
    boolean wasHeld = letGo(waiting);
    if (waiting.admit.company().isPresent()) {
      Key key = key(waiting.admit);
      Group group = groups.get(key);
      if (group != null && group.all.remove(waiting) && group.all.isEmpty()) {
        groups.remove(key);
        full.remove(group);
      }
    }
    return wasHeld;
  }

  private boolean letGo(Waiting waiting) {
    Group group = held.remove(waiting);
    if (group == null) {
      return false;
    }
    group.held.remove(waiting);
    if (group.held.isEmpty()) {
      heldGroups.remove(group);
    }
    group.heldInputs -= inputs(waiting.admit);
    heldByClass.merge(waiting.admit.priority(), -1, Integer::sum);
    return true;
  }

  /** How many of a class wait for company. */
  int held(Priority priority) {
    return heldByClass.getOrDefault(priority, 0);
  }

  /** Whether nobody waits for company. */
  boolean isEmpty() {
    return held.isEmpty();
  }

  /** When the first has waited long enough; {@link Long#MAX_VALUE} when none waits. */
  long dueMillis() {
    return held.isEmpty()
        ? Long.MAX_VALUE
        : held.keySet().iterator().next().arrivedMillis + policy.timeout().toMillis();
  }

  /** Takes out those that wait for company no more: they are enough, or have waited enough. */
  List<Waiting> ripe(long nowMillis) {
    if (full.isEmpty() && dueMillis() > nowMillis) {
      return List.of();
    }
    List<Waiting> ripe = new ArrayList<>();
    for (Iterator<Group> each = full.iterator(); each.hasNext(); each.remove()) {
      Group group = each.next();
      while (group.heldInputs >= policy.maxSize()) {
        ripen(group, ripe);
      }
    }
    while (dueMillis() <= nowMillis) {
      ripen(held.values().iterator().next(), ripe);
    }
    return ripe;
  }

  /** Takes out a batch's worth of those for whom a replica is idle; the longest gathering first. */
  List<Waiting> forIdle(Roster roster) {
    List<Waiting> ripe = new ArrayList<>();
    Set<Served> inVain = new HashSet<>();
    for (Group each : heldGroups) {
      if (!inVain.add(each.served)) {
        continue;
      }
      roster.candidates(each.served.needs(), each.served.excluded(), candidates);
      if (candidates.stream().anyMatch(replica -> replica.live() == 0)) {
        ripen(each, ripe);
        break;
      }
    }
    return ripe;
  }

  /** A batch's worth, first classes first. */
  private void ripen(Group group, List<Waiting> into) {
    List<Waiting> inOrder = new ArrayList<>(group.held);
    inOrder.sort(ORDER);
    int inputs = 0;
    for (Waiting each : inOrder) {
      inputs += inputs(each.admit);
      if (inputs > policy.maxSize() && inputs > inputs(each.admit)) {
        break;
      }
      letGo(each);
      into.add(each);
    }
  }

  /** Who else goes in the call of a request whose turn has come, and does not wait any more. */
  List<Waiting> company(Admit first) {
    Group group = mayShare(first) ? groups.get(key(first)) : null;
    int inputs = group == null ? 0 : inputs(first);
    List<Waiting> company = new ArrayList<>();
    for (Waiting each : group == null ? List.<Waiting>of() : group.all) {
      inputs += inputs(each.admit);
      if (inputs > policy.maxSize()) {
        break;
      }
      company.add(each);
    }
    return company;
  }

  /**
   * A call for several begins; returns the id of its slot.
   *
   * @param charges of the company, in its order
   */
  RequestId begin(
      Admit first, List<Waiting> company, List<Charge> charges, long epoch, long ordinal) {
    RequestId id =
        new RequestId(
            first.id() + "-b" + Long.toString(epoch, 36) + "." + Long.toString(ordinal, 36));
    List<Along> along = new ArrayList<>();
    for (int i = 0; i < company.size(); i++) {
      Admit admit = company.get(i).admit;
      along.add(new Along(id, admit.callerId(), admit.priority(), charges.get(i)));
    }
    lanes.put(id, along);
    return id;
  }

  /** One that its client knows by this id; O(n). */
  Optional<Along> find(String callerId) {
    return lanes.values().stream()
        .flatMap(List::stream)
        .filter(each -> each.callerId().equals(callerId))
        .findFirst();
  }

  /** How many requests have a slot together; 0 where one has it alone. */
  int lanesOf(RequestId slot) {
    List<Along> others = lanes.get(slot);
    return others == null ? 0 : others.size() + 1;
  }

  /** A slot is free again; those who came along stay charged with what was estimated. */
  void ended(RequestId slot) {
    List<Along> others = lanes.remove(slot);
    if (others != null) {
      others.forEach(each -> each.charge().by().settle(each.charge(), each.charge().tokens()));
    }
  }

  /** Says who has got a slot. */
  void tell(
      Admit first,
      List<Waiting> company,
      Grant grant,
      List<AdmissionDecision> out,
      long nowMillis) {
    if (company.isEmpty()) {
      out.add(new Granted(first.replyTo(), first.tenant(), first.priority(), grant, false));
      if (mayShare(first)) {
        out.add(new Called(inputs(first), List.of(grant.queuedMillis())));
      }
      return;
    }
    List<Seat> seats = new ArrayList<>();
    List<Batch.Lane> all = new ArrayList<>();
    List<Priority> priorities = new ArrayList<>();
    List<TenantId> tenants = new ArrayList<>();
    List<Long> waited = new ArrayList<>();
    int inputs = 0;
    for (int i = -1; i < company.size(); i++) {
      Admit admit = i < 0 ? first : company.get(i).admit;
      long queued = i < 0 ? grant.queuedMillis() : nowMillis - company.get(i).arrivedMillis;
      seats.add(
          new Seat(
              admit.id(),
              grant.pool(),
              grant.epoch(),
              grant.id(),
              first.replyTo(),
              grant.replica(),
              queued,
              i < 0));
      all.add(new Batch.Lane(admit.id(), admit.replyTo()));
      priorities.add(admit.priority());
      tenants.add(admit.tenant());
      waited.add(queued);
      inputs += inputs(admit);
    }
    out.add(new Merged(first.replyTo(), new Batch(grant, all), seats, priorities, tenants));
    out.add(new Called(inputs, waited));
  }

  private static int inputs(Admit admit) {
    return admit.company().map(Company::inputs).orElse(1);
  }

  private static Key key(Admit admit) {
    return new Key(
        admit.company().map(Company::key).orElse(""),
        new Served(CapabilityMask.of(admit.needs()), admit.excluded()));
  }
}
