package io.penstock.batcher;

import io.penstock.batcher.Ledger.Live;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.AskPool;
import io.penstock.message.CacheReport;
import io.penstock.message.KvReport;
import io.penstock.message.PoolReport;
import io.penstock.message.QueueDepth;
import io.penstock.message.ReplicaReport;
import io.penstock.message.RequestPlace;
import io.penstock.message.TenantDepth;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a pool stands, in the words of the admin API. */
final class Reports {
  private static final Comparator<TenantDepth> MOST_FIRST =
      Comparator.comparingInt(TenantDepth::waiting)
          .thenComparingInt(TenantDepth::live)
          .reversed()
          .thenComparing(TenantDepth::tenant)
          .thenComparing(TenantDepth::priority);

  private Reports() {}

  /** Answers the question about a pool that this node may or may not own. */
  static PoolReport of(AskPool question, NodeId self, PoolOwner owner, long nowMillis) {
    Optional<Admission> owned = owner.admission();
    // During a census it is not known what lives: an owner that said so would call it drained.
    if (owned.isEmpty() || owner.tenure() != PoolOwner.Tenure.SERVING) {
      return unknown(question, self);
    }
    Admission admission = owned.get();
    Standing standing = owner.standing(nowMillis);
    List<ReplicaReport> replicas = new ArrayList<>();
    for (Standing.OfReplica each : standing.replicas()) {
      owner.roster().find(each.id()).ifPresent(replica -> replicas.add(of(replica, each)));
    }
    int slots = owner.roster().slots();
    List<QueueDepth> waiting = new ArrayList<>();
    for (Priority each : Priority.values()) {
      waiting.add(depth(admission, each, slots, nowMillis));
    }
    List<TenantDepth> tenants =
        question.tenants() ? tenants(admission, owner.roster()) : new ArrayList<>();
    int shown = Math.min(tenants.size(), PoolReport.TENANTS_MAX);
    List<TenantDepth> rest = tenants.subList(shown, tenants.size());
    return new PoolReport(
        question.question(),
        question.pool(),
        self,
        true,
        owner.draining(),
        standing.healthy(),
        standing.minHealthy(),
        standing.belowMin(),
        slots,
        admission.queue().grants(),
        waiting,
        replicas,
        List.copyOf(tenants.subList(0, shown)),
        rest.size(),
        rest.stream().mapToInt(TenantDepth::waiting).sum(),
        rest.stream().mapToInt(TenantDepth::live).sum(),
        question.request().flatMap(id -> place(admission, id, slots, nowMillis)));
  }

  /** The answer of a node that does not own the pool. */
  static PoolReport unknown(AskPool question, NodeId self) {
    PoolName pool = question.pool();
    return new PoolReport(
        question.question(),
        pool,
        self,
        false,
        false,
        0,
        0,
        false,
        0,
        0,
        List.of(),
        List.of(),
        List.of(),
        0,
        0,
        0,
        Optional.empty());
  }

  private static QueueDepth depth(
      Admission admission, Priority priority, int slots, long nowMillis) {
    ClassQueue queue = admission.queue().of(priority);
    long oldest = nowMillis;
    for (Line each : queue.lines()) {
      @Nullable Waiting head = each.head();
      oldest = head == null ? oldest : Math.min(oldest, head.arrivedMillis);
    }
    long wait =
        queue.size() == 0 ? 0 : admission.outlook().wait(priority, queue.size() - 1.0, slots);
    return new QueueDepth(priority, queue.size(), queue.bytes(), nowMillis - oldest, wait);
  }

  private static List<TenantDepth> tenants(Admission admission, Roster roster) {
    List<TenantDepth> rows = new ArrayList<>();
    boolean free = admission.queue().size() == 0 && roster.open() > 0;
    for (Priority priority : Priority.values()) {
      admission
          .queue()
          .of(priority)
          .eachAccount(
              account -> {
                if (account.waiting > 0 || account.live > 0) {
                  long wait =
                      free
                          ? 0
                          : admission
                              .outlook()
                              .ofNew(priority, account, Long.MAX_VALUE, roster.slots());
                  rows.add(
                      new TenantDepth(
                          account.tenant,
                          priority,
                          account.weight,
                          account.waiting,
                          account.live,
                          wait));
                }
              });
    }
    rows.sort(MOST_FIRST);
    return rows;
  }

  private static Optional<RequestPlace> place(
      Admission admission, RequestId id, int slots, long nowMillis) {
    @Nullable Waiting waiting = admission.queue().findByCaller(id.value());
    if (waiting != null) {
      Outlook.Place place = admission.outlook().of(waiting, slots);
      return Optional.of(
          new RequestPlace(
              id,
              waiting.admit.tenant(),
              waiting.admit.priority(),
              Optional.empty(),
              place.place(),
              nowMillis - waiting.arrivedMillis,
              place.waitMillis(),
              Math.max(0, waiting.deadlineMillis - nowMillis)));
    }
    return admission.liveByCaller(id.value()).map(live -> running(id, live, nowMillis));
  }

  private static RequestPlace running(RequestId id, Live live, long nowMillis) {
    Charge charge = live.charge();
    return new RequestPlace(
        id,
        charge == null ? TenantId.ANONYMOUS : charge.account().tenant,
        live.priority(),
        Optional.of(live.grant().replica()),
        0,
        nowMillis - live.sinceMillis(),
        0,
        0);
  }

  private static ReplicaReport of(Replica replica, Standing.OfReplica standing) {
    int most = replica.maxConcurrent();
    return new ReplicaReport(
        replica.id(),
        replica.zone(),
        Optional.ofNullable(replica.reported),
        standing.usable(),
        standing.why(),
        replica.live(),
        standing.limit(),
        most,
        replica.conduct().pressure().limit(most),
        replica.fraction(),
        replica.isRamping(),
        standing.breaker().label(),
        replica.draining(),
        Optional.of(cache(replica)),
        kvEvents(replica));
  }

  private static Optional<KvReport> kvEvents(Replica replica) {
    EngineCache engine = replica.engineCache();
    if (!engine.isFollowed()) {
      return Optional.empty();
    }
    @Nullable Prospect prospect = replica.prospect;
    double holds = prospect == null ? Double.POSITIVE_INFINITY : prospect.holdsTokens();
    return Optional.of(
        new KvReport(
            engine.told(),
            engine.isSilent(),
            Double.isInfinite(holds) ? -1 : Math.round(holds),
            prospect != null && engine.source() != EngineCache.Source.NONE));
  }

  private static CacheReport cache(Replica replica) {
    CacheTally found = replica.caches;
    @Nullable Prospect prospect = replica.prospect;
    return new CacheReport(
        found.answers(),
        found.promptTokens(),
        found.cachedTokens(),
        found.predictedTokens(),
        prospect == null ? 0 : prospect.index().size(),
        prospect == null ? 0 : prospect.index().bytes(),
        prospect == null ? 0 : prospect.index().bytesMax());
  }
}
