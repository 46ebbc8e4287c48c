package io.penstock.adapter.discovery;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.measure.Hash64;
import java.util.Locale;

/** Names for replicas that have none of their own. */
final class Addresses {
  private Addresses() {}

  /** The pool's name and ten hexadecimal digits that hash the address; equal on every node. */
  static ReplicaId idOf(PoolName pool, String host, int port) {
    long hash = Hash64.of(host.toLowerCase(Locale.ROOT) + ":" + port);
    return new ReplicaId(String.format(Locale.ROOT, "%s-%010x", pool.value(), hash >>> 24));
  }

  /** A host as it stands in a URL: IPv6 addresses in brackets. */
  static String inUrl(String host) {
    return host.contains(":") ? "[" + host + "]" : host;
  }
}
