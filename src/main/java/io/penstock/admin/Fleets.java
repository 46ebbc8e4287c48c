package io.penstock.admin;

import io.penstock.bus.Directory;
import io.penstock.bus.Setting;
import io.penstock.bus.View;
import io.penstock.inference.Fleet;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.message.AskDecisions;
import io.penstock.message.AskNode;
import io.penstock.message.AskPool;
import io.penstock.message.AskPrefixes;
import io.penstock.message.Decisions;
import io.penstock.message.NodeOrder;
import io.penstock.message.NodeReport;
import io.penstock.message.PoolReport;
import io.penstock.message.PrefixUse;
import io.penstock.message.PrefixUses;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Asks the nodes how their pools, and they themselves, stand. */
final class Fleets {
  private static final String MOVING = "its owner is changing; ask again";

  private final Station self;
  private final Directory directory;
  private final Setting<Fleet> fleet;
  private final Questions questions;

  Fleets(NodeId self, Directory directory, Setting<Fleet> fleet, Questions questions) {
    this.self = new Station(self, Room.ADMIN, 0);
    this.directory = directory;
    this.fleet = fleet;
    this.questions = questions;
  }

  Fleet now() {
    return fleet.now();
  }

  NodeId self() {
    return self.node();
  }

  /** Each of the pools by its owner's word, in their order; never fails. */
  Future<List<PoolLook>> look(List<Pool> pools) {
    View view = directory.view();
    List<Future<PoolLook>> looks = new ArrayList<>();
    pools.forEach(pool -> looks.add(look(pool, view, false, Optional.empty())));
    return Future.join(looks).map(all -> looks.stream().map(Future::result).toList());
  }

  /** One pool with its tenants by its owner's word; never fails. */
  Future<PoolLook> lookAtTenants(Pool pool) {
    return look(pool, directory.view(), true, Optional.empty());
  }

  /** One pool and where a request of it is, by its owner's word; never fails. */
  Future<PoolLook> lookFor(RequestId request, Pool pool) {
    return look(pool, directory.view(), false, Optional.of(request));
  }

  private Future<PoolLook> look(
      Pool pool, View view, boolean tenants, Optional<RequestId> request) {
    Optional<View.Node> owner =
        view.ownerOf(pool.name())
            .flatMap(id -> view.nodes().stream().filter(n -> n.id().equals(id)).findFirst());
    if (owner.isEmpty()) {
      return Future.succeededFuture(
          new PoolLook(pool, owner, Optional.empty(), "no node has the role batcher"));
    }
    return questions
        .ask(
            new Station(owner.get().id(), Room.BATCHER, 0),
            number -> new AskPool(number, self, pool.name(), tenants, request))
        .map(
            answer ->
                answer instanceof PoolReport report && report.owner()
                    ? new PoolLook(pool, owner, Optional.of(report), "")
                    : new PoolLook(pool, owner, Optional.empty(), MOVING))
        .otherwise(
            e -> new PoolLook(pool, owner, Optional.empty(), String.valueOf(e.getMessage())));
  }

  /**
   * Receipts of a pool's latest choices by its owner's word; fails with why there are none to be
   * had.
   */
  Future<Decisions> decisions(Pool pool, Optional<RequestId> request, int last) {
    return directory
        .view()
        .ownerOf(pool.name())
        .map(
            owner ->
                questions
                    .ask(
                        new Station(owner, Room.BATCHER, 0),
                        number -> new AskDecisions(number, self, pool.name(), request, last))
                    .compose(
                        answer ->
                            answer instanceof Decisions told && told.owner()
                                ? Future.succeededFuture(told)
                                : Future.<Decisions>failedFuture(MOVING)))
        .orElseGet(() -> Future.failedFuture("no node has the role batcher"));
  }

  /**
   * How all nodes' requests have used the registered prefixes, by id; never fails.
   *
   * @param silent takes the names of nodes that do not answer
   */
  Future<Map<String, PrefixUse>> prefixUses(Collection<String> silent) {
    List<Future<PrefixUses>> asked = new ArrayList<>();
    for (View.Node node : directory.view().nodes()) {
      asked.add(
          questions
              .ask(new Station(node.id(), Room.PREFIX, 0), number -> new AskPrefixes(number, self))
              .map(PrefixUses.class::cast)
              .onFailure(e -> silent.add(node.name())));
    }
    return Future.join(asked)
        .otherwiseEmpty()
        .map(
            all -> {
              Map<String, PrefixUse> byId = new HashMap<>();
              asked.stream()
                  .filter(Future::succeeded)
                  .flatMap(answer -> answer.result().uses().stream())
                  .forEach(use -> byId.merge(use.id(), use, PrefixUse::plus));
              return byId;
            });
  }

  /** Has a node do something, and tells how it stands then. */
  Future<NodeReport> node(NodeId node, NodeOrder order) {
    return questions
        .ask(new Station(node, Room.ADMIN, 0), number -> new AskNode(number, self, order))
        .map(NodeReport.class::cast);
  }
}
