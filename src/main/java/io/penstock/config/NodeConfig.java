package io.penstock.config;

import io.penstock.admin.AdminConfig;
import io.penstock.bus.ClusterConfig;
import io.penstock.inference.Fleet;
import io.penstock.inference.Role;
import io.penstock.ingress.IngressConfig;
import io.penstock.prefix.PrefixConfig;
import io.penstock.tenancy.TenancyConfig;
import java.util.Optional;
import java.util.Set;

/**
 * One node, as its file says; every value checked.
 *
 * @param name unique in its cluster
 * @param zone failure domain; empty when unknown
 * @param eventLoops event loops of the process, and ingress loops; 0 for one per core
 * @param cluster absent: the node is alone
 * @param admin absent: no admin API
 * @param tenants who may ask
 * @param prefixes where registered prefixes are kept
 */
public record NodeConfig(
    String name,
    String zone,
    String region,
    Set<Role> roles,
    int eventLoops,
    Optional<ClusterConfig> cluster,
    IngressConfig ingress,
    Optional<AdminConfig> admin,
    TenancyConfig tenants,
    PrefixConfig prefixes,
    Fleet fleet) {
  public NodeConfig {
    roles = Set.copyOf(roles);
  }

  /** Whether whoever reaches it from another machine may use it, without showing anything. */
  public boolean isOpenToOthers() {
    return roles.contains(Role.INGRESS)
        && tenants.auth() == TenancyConfig.Auth.NONE
        && !Addresses.isLoopback(ingress.host());
  }

  /** A node without an admin API, that whoever reaches it may use. */
  public NodeConfig(
      String name,
      String zone,
      String region,
      Set<Role> roles,
      int eventLoops,
      Optional<ClusterConfig> cluster,
      IngressConfig ingress,
      Fleet fleet) {
    this(
        name,
        zone,
        region,
        roles,
        eventLoops,
        cluster,
        ingress,
        Optional.empty(),
        TenancyConfig.OPEN,
        PrefixConfig.MEMORY,
        fleet);
  }
}
