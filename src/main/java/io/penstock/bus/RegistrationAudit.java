package io.penstock.bus;

import io.vertx.core.spi.cluster.RegistrationInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is wrong with the cluster's registry, from one node's point of view. Pure.
 *
 * <p>A registration of a node that is no member may belong to one that is about to be: only what
 * two audits in a row have seen is called stale.
 */
final class RegistrationAudit {
  /** One entry of the registry. */
  record Entry(String address, RegistrationInfo info) {}

  /**
   * @param missing addresses that this node consumes and the registry does not know of
   * @param stale entries of nodes that are gone
   */
  record Findings(Set<String> missing, Set<Entry> stale) {}

  private final String self;
  private Set<Entry> suspects = Set.of();

  RegistrationAudit(String self) {
    this.self = self;
  }

  /**
   * One audit.
   *
   * @param registry for each address that this node consumes, the entries found
   * @param members node ids of the cluster's members
   */
  Findings look(Map<String, List<RegistrationInfo>> registry, Set<String> members) {
    Set<String> missing = new TreeSet<>();
    Set<Entry> strange = new HashSet<>();
    registry.forEach(
        (address, infos) -> {
          if (infos.stream().noneMatch(i -> i.nodeId().equals(self))) {
            missing.add(address);
          }
          infos.stream()
              .filter(i -> !members.contains(i.nodeId()) && !i.nodeId().equals(self))
              .forEach(i -> strange.add(new Entry(address, i)));
        });
    Set<Entry> stale = new HashSet<>(strange);
    stale.retainAll(suspects);
    strange.removeAll(stale);
    suspects = strange;
    return new Findings(missing, stale);
  }
}
