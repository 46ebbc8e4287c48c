package io.penstock.tenancy;

import io.penstock.inference.ApiKey;
import io.penstock.inference.ModelName;
import io.penstock.inference.RateLimits;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitGrant;
import io.penstock.message.LimitLine;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's limits at one ingress loop, and the requests that wait for them. Pure.
 *
 * <p>A tenant may have thousands of keys with limits of their own. What is done for each request is
 * done for the limits that are stirring: of which something is held, or that the keeper has not
 * heard of. The others are remembered for as long as their last minute counts.
 */
final class TenantGauges {
  private final TenantId tenant;
  private final Map<String, Gauges> bySubject = new HashMap<>();
  private final Set<Gauges> stirring = new LinkedHashSet<>();
  private final Deque<Ticket> waiting = new ArrayDeque<>();

  private long askedSeq; // that is not answered; 0 when none is
  private long askedMillis;
  private boolean isLate;
  private boolean tellsMinute = true;
  private long keeperLife;

  TenantGauges(TenantId tenant) {
    this.tenant = tenant;
  }

  TenantId tenant() {
    return tenant;
  }

  Deque<Ticket> waiting() {
    return waiting;
  }

  /** The limits that apply to a request; none when nothing limits it. */
  List<Gauges> subjects(Tenant of, @Nullable ApiKey key, ModelName model) {
    List<Gauges> subjects = new ArrayList<>(3);
    add(subjects, "tenant", of.limits());
    if (key != null) {
      add(subjects, key.id(), key.limits());
    }
    RateLimits ofModel = of.limitsOf(model);
    if (!ofModel.isNone()) {
      add(subjects, "model " + model, ofModel);
    }
    return subjects;
  }

  private void add(List<Gauges> subjects, String name, RateLimits limits) {
    if (!limits.isNone()) {
      Gauges subject = bySubject.computeIfAbsent(name, Gauges::new).with(limits);
      stirring.add(subject);
      subjects.add(subject);
    }
  }

  boolean isAsking() {
    return askedSeq != 0;
  }

  long askedMillis() {
    return askedMillis;
  }

  /** Whether the keeper did not answer in time lately. */
  boolean isLate() {
    return isLate;
  }

  void late(boolean next) {
    isLate = next;
  }

  /** Another keeps it now, who knows nothing of the last minute. */
  void keeperChanged() {
    tellsMinute = true;
    askedSeq = 0;
    isLate = false;
    waiting.forEach(each -> each.askedWith(0));
  }

  /** What the keeper is told and asked. */
  List<LimitLine> lines(long seq, long loops, long nowMillis) {
    askedSeq = seq;
    askedMillis = nowMillis;
    Map<Gauge, long[]> needs = new HashMap<>();
    for (Ticket each : waiting) {
      each.askedWith(seq);
      for (Gauge gauge : each.gauges()) {
        long amount = each.amount(gauge.kind());
        long[] need = needs.computeIfAbsent(gauge, g -> new long[2]);
        need[0] += amount;
        need[1] = Math.max(need[1], amount);
      }
    }
    List<LimitLine> lines = new ArrayList<>();
    for (Gauge gauge : gauges(tellsMinute ? bySubject.values() : stirring)) {
      long[] need = needs.getOrDefault(gauge, new long[2]);
      lines.add(gauge.line(need[0], need[1], loops, tellsMinute, nowMillis));
    }
    return lines;
  }

  private static List<Gauge> gauges(Collection<Gauges> of) {
    List<Gauge> all = new ArrayList<>();
    of.forEach(subject -> all.addAll(subject.all()));
    return all;
  }

  /** Takes the answer in; false for one that is not awaited any more. */
  boolean answered(LimitAnswer answer, long nowMillis) {
    if (answer.seq() != askedSeq) {
      return false;
    }
    if (answer.keeper() == LimitAnswer.NOT_KEPT) {
      tellsMinute = true; // and the question stays open, to be asked again
      return true;
    }
    askedSeq = 0;
    isLate = false;
    tellsMinute = answer.keeper() != keeperLife && keeperLife != 0 && !tellsMinute;
    keeperLife = answer.keeper();
    for (LimitGrant grant : answer.lines()) {
      Gauges subject = bySubject.get(grant.subject());
      Gauge gauge = subject == null ? null : subject.known(grant.kind());
      if (gauge != null) {
        gauge.granted(grant, nowMillis);
      }
    }
    calm();
    return true;
  }

  /** Whether the keeper has to be told of the last minute, at once. */
  boolean tellsMinute() {
    return tellsMinute;
  }

  /** Gives back what is not kept. */
  void tidy(long loops, long nowMillis) {
    for (Gauge each : gauges(stirring)) {
      each.tidy(loops, nowMillis);
    }
  }

  /** Whether the keeper has not been told how it stands. */
  boolean hasNews() {
    return gauges(stirring).stream().anyMatch(Gauge::hasNews);
  }

  /** Whether it has anything of a limit, reserved or at hand. */
  boolean holdsSome() {
    return gauges(stirring).stream().anyMatch(Gauge::holdsSome);
  }

  /** Whether others could have what the keeper believes to be here. */
  boolean returnsSome() {
    return gauges(stirring).stream().anyMatch(Gauge::returnsSome);
  }

  /** To be called now and then: forgets what no request waits for and no minute counts. */
  void forget(long nowMillis) {
    calm();
    bySubject.values().removeIf(each -> !stirring.contains(each) && each.isIdle(nowMillis));
  }

  /** Limits stir no more when the keeper knows all of them and no request waits for them. */
  private void calm() {
    stirring.removeIf(Gauges::isQuiet);
    waiting.forEach(each -> stirring.addAll(each.subjects()));
  }

  /** Whether it need not be remembered. */
  boolean isIdle(long nowMillis) {
    return waiting.isEmpty()
        && !isAsking()
        && bySubject.values().stream().allMatch(each -> each.isIdle(nowMillis));
  }
}
