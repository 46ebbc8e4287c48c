package io.penstock.ingress;

import io.penstock.inference.Appraisal;
import io.penstock.inference.Capability;
import io.penstock.inference.Operation;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TierWish;
import io.penstock.measure.Hash64;
import io.penstock.message.Admit;
import io.penstock.message.Company;
import io.penstock.message.Route;
import io.penstock.message.Station;
import io.penstock.openai.BodyScan;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.ScannedBody;
import io.vertx.core.MultiMap;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a client asks for: its body and headers, read and checked.
 *
 * @param priority the class named by the header, else by {@code service_tier}, that is served
 * @param needs named by the header and found in the body
 * @param affinity hash of the session: the header's, else {@code user}'s, else the tenant's
 * @param timeout the client's own total deadline
 * @param resume whether a stream that breaks may go on at another replica
 * @param tiers what its headers say of tiers
 * @param prefix that was put before the prompt; the scan is of the whole
 * @param appraisal how complex its task is, once that is known; empty where it names a model
 */
record Ask(
    ScannedBody scan,
    Priority priority,
    Set<Capability> needs,
    long affinity,
    Optional<Duration> timeout,
    boolean resume,
    TierHeaders tiers,
    Optional<PromptPrefix> prefix,
    Optional<Appraisal> appraisal) {

  /** Reads it; what it asks for above the tenant's highest class is lowered to that. */
  static Checked<Ask> read(Operation operation, MultiMap headers, byte[] body, Tenant tenant) {
    Checked<AskHeaders> read = AskHeaders.read(headers);
    Optional<Rejected<Ask>> badHeader = Checked.rejection(read);
    if (badHeader.isPresent()) {
      return badHeader.get();
    }
    AskHeaders said = read.value();
    Checked<ScannedBody> scanned = BodyScan.scan(operation, body, said.model());
    Optional<Rejected<Ask>> badBody = Checked.rejection(scanned);
    if (badBody.isPresent()) {
      return badBody.get();
    }
    ScannedBody scan = scanned.value();
    return new Valid<>(
        new Ask(
            scan,
            tenant.atMost(said.priority().or(scan::priority).orElse(Priority.DEFAULT)),
            union(said.needs(), scan.needs()),
            Hash64.of(session(said.session(), scan.user(), tenant.id().value())),
            said.timeout(),
            said.resume(),
            said.tiers(),
            Optional.empty(),
            Optional.empty()));
  }

  /** The same with a prefix before its prompt. */
  Ask prefixed(PromptPrefix with) {
    return new Ask(
        scan, priority, needs, affinity, timeout, resume, tiers, Optional.of(with), appraisal);
  }

  /** The same with how complex its task is. */
  Ask appraised(Appraisal found) {
    return new Ask(
        scan, priority, needs, affinity, timeout, resume, tiers, prefix, Optional.of(found));
  }

  /** What it wants of a tier; empty where it names a model. */
  Optional<TierWish> wish() {
    return appraisal.map(found -> tiers.wish(found.complexity()));
  }

  /**
   * The question to the router.
   *
   * @param tenant whose models may be chosen
   */
  Route route(RequestId id, Station self, Tenant tenant) {
    return new Route(
        id,
        self,
        tenant.id(),
        scan.model(),
        scan.operation(),
        needs,
        scan.promptTokens(),
        scan.maxTokens(),
        tenant.models(),
        wish());
  }

  /**
   * The question to a pool's owner.
   *
   * @param callerId the request's id as the client knows it
   * @param before what has been tried
   * @param waitMillis how long it may take to be answered
   * @param company with whom it may share a call
   */
  Admit admit(
      RequestId id,
      String callerId,
      Station self,
      Tenant tenant,
      PoolName pool,
      Attempts before,
      int bodyBytes,
      long waitMillis,
      Optional<Company> company) {
    return new Admit(
        id,
        callerId,
        self,
        pool,
        tenant.id(),
        tenant.weight(),
        priority,
        before.next(),
        scan.promptTokens(),
        scan.maxTokens(),
        bodyBytes,
        affinity,
        needs,
        before.tried(),
        waitMillis,
        0,
        company,
        scan.stream(),
        scan.blocks(),
        appraisal);
  }

  private static String session(String header, String user, String tenant) {
    if (!header.isEmpty()) {
      return header;
    }
    return user.isEmpty() ? tenant : user;
  }

  private static Set<Capability> union(Set<Capability> a, Set<Capability> b) {
    if (a.isEmpty()) {
      return b;
    }
    EnumSet<Capability> both = EnumSet.copyOf(a);
    both.addAll(b);
    return both;
  }
}
