package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AdvisorTest {
  private static final String TWO =
      "[{'url': 'http://127.0.0.1:1'}, {'url': 'http://127.0.0.1:2'}]";
  private static final String FLEET = "{'pools': [{'model_id': 'm', 'replicas': " + TWO + "}]}";

  private record Case(String json, List<String> advice) {
    @Override
    public String toString() {
      return advice.toString();
    }
  }

  private static Case given(String json, String... advice) {
    return new Case(json, List.of(advice));
  }

  private static Case node(String sections, String... advice) {
    return given("{" + sections + ", 'fleet': " + FLEET + "}", advice);
  }

  private static Case cluster(String body, String... advice) {
    return node(
        "'node': {'name': 'n'}, 'ingress': {'drain_seconds': 600}, 'cluster': {" + body + "}",
        advice);
  }

  static Stream<Case> cases() {
    return Stream.of(
        given("{'fleet': " + FLEET + "}"),
        node(
            "'node': {'roles': ['router', 'batcher', 'health-prober']}",
            "node.roles: no load balancer: without the role ingress the node takes no requests, and"
                + " it is alone"),
        node(
            "'node': {'host': '0.0.0.0'}",
            "ingress.tls: off, and node.host is 0.0.0.0: prompts, answers and keys travel in clear"
                + " unless something in front ends TLS",
            "tenants.auth: none, and node.host is 0.0.0.0: whoever reaches the node may use it"),
        node(
            "'node': {'ports': {'admin': 9080}}, 'admin': {'key': 'change-me-soon'}",
            "admin.key: 14 characters can be guessed (expected: at least 24 random ones, such as"
                + " openssl rand -hex 32 prints)"),
        node(
            "'tenants': {'auth': 'none', 'list': [{'id': 'acme', 'keys': [{'secret':"
                + " 'sk-01234567890123456789'}]}]}",
            "tenants.auth: none: the keys of tenants.list are not looked at"),
        node(
            "'ingress': {'deadlines': {'connect_ms': 9, 'first_token_ms': 99, 'idle_ms': 1001,"
                + " 'total_ms': 300000}, 'ping_after_ms': 99}",
            "ingress.ping_after_ms: 99 is not before deadlines.first_token_ms: a slow request is"
                + " never pinged, and proxies in between may close it"),
        node(
            "'ingress': {'deadlines': {'total_ms': 300000, 'idle_ms': 300001}}",
            "ingress.deadlines.idle_ms: 300001 is more than total_ms, 300000: it never acts"),
        cluster(
            "'host': '10.0.0.1', 'join': {'static': {'members': ['10.0.0.1:5701']}}",
            "cluster.join.static.members: one node: without another, nothing takes over from it"),
        cluster(
            "'host': '10.0.0.1', 'join': {'static': {'members': ['10.0.0.2:5701']}}",
            "cluster.join.static.members: two nodes: while they can not reach each other each uses"
                + " half of every limit, also when the other's host is lost, until somebody says so"
                + " (DELETE /admin/v1/nodes/NAME); of three nodes the two that are left take the"
                + " third's share over after a while"),
        cluster(
            "'host': '127.0.0.1', 'join': {'static': {'members': ['10.0.0.2:5701',"
                + " '10.0.0.3:5701']}}",
            "cluster.join.static.members: loopback addresses beside others: no machine reaches"
                + " another's loopback"),
        cluster(
            "'host': '127.0.0.1', 'join': {'dns': {'service': 's'}}",
            "cluster.host: 127.0.0.1 can be reached from this machine only; members found by DNS or"
                + " Kubernetes are elsewhere"),
        cluster(
            "'host': 'a', 'join': {'dns': {'service': 's'}}, 'heartbeat_interval_seconds': 2,"
                + " 'max_no_heartbeat_seconds': 5",
            "cluster.max_no_heartbeat_seconds: 5 is less than 3 heartbeats: a pause of the JVM"
                + " removes a live member"),
        node(
            "'node': {'name': 'n', 'roles': ['batcher']}, 'cluster': {'host': 'a', 'join':"
                + " {'kubernetes': {'service': 's'}}}",
            "node.roles: no load balancer: without the role ingress the node takes no requests; at"
                + " least two other nodes should have it"),
        node(
            "'node': {'name': 'n'}, 'cluster': {'host': 'a', 'join': {'dns': {'service': 's'}}}",
            "ingress.drain_seconds: 30 s is shorter than deadlines.total_ms, 600000 ms: a rolling"
                + " restart cuts the longest streams"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': []}]}",
            "fleet.pools: no model server: no pool can have a replica",
            "fleet.pools[0].replicas: no model server: the pool m has no replica"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': [{'url': 'http://h:1'}]}]}",
            "fleet.pools[0].replicas: one replica: its failure or restart stops the pool"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': {'simulated': {'count': 1}}}]}",
            "fleet.pools[0].replicas: one replica: its failure or restart stops the pool"),
        fleet("{'pools': [{'model_id': 'm', 'replicas': {'dns': {'name': 'a', 'port': 1}}}]}"),
        fleet(
            "{'pools': [{'model_id': 'm', 'max_concurrent': 60, 'queue': {'max_requests': 119},"
                + " 'replicas': "
                + TWO
                + "}]}",
            "fleet.pools[0].queue.max_requests: 119 is less than the 120 requests that may run at a"
                + " time: when the replicas fail, not all of their requests fit into the queue for"
                + " another try"),
        fleet(
            "{'pools': [{'model_id': 'm', 'queue': {'queue_ms': {'bulk': 600001}}, 'replicas': "
                + TWO
                + "}]}",
            "fleet.pools[0].queue.queue_ms.bulk: 600001 is more than ingress.deadlines.total_ms,"
                + " 600000: it never acts"),
        fleet(
            "{'pools': [{'model_id': 'm', 'batching': 'gateway', 'max_concurrent': 2,"
                + " 'replicas': "
                + TWO
                + "}]}",
            "fleet.pools[0].max_concurrent: 2, and batching is gateway: calls beyond the first wait"
                + " inside an engine that takes one after the other, where nobody can join them"
                + " (expected: 1)"),
        fleet(
            "{'pools': [{'model_id': 'm', 'health': {'health_check_timeout_seconds': 11},"
                + " 'replicas': "
                + TWO
                + "}]}",
            "fleet.pools[0].health.health_check_timeout_seconds: 11 is more than"
                + " health_check_interval_seconds: checks of a hanging replica come later than the"
                + " interval says"),
        fleet(
            "{'pools': [{'model_id': 'm', 'engine_api_key': 'k', 'replicas': [{'url': 'http://h:1',"
                + " 'zone': 'z'}, {'url': 'https://h:2', 'zone': 'z'}]}]}",
            "fleet.pools[0].replicas: all in zone z: it takes the pool down, and"
                + " spread_across_zones has nothing to spread over",
            "fleet.pools[0].replicas[0].url: http: engine_api_key travels in clear"),
        fleet(
            "{'pools': [{'model_id': 'm', 'failover': {'spread_across_zones': false}, 'replicas':"
                + " [{'url': 'http://h:1', 'zone': 'z'}, {'url': 'http://h:2', 'zone': 'z'}]}]}",
            "fleet.pools[0].replicas: all in zone z: it takes the pool down"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': [{'url': 'http://h:1'}, {'url':"
                + " 'http://h:2'}]}]}",
            "fleet.pools[0].failover.spread_across_zones: true, but no replica has a zone: all may"
                + " be in one, which takes the pool down"),
        fleet(
            "{'pools': [{'model_id': 'm', 'failover': {'spread_across_zones': false}, 'replicas':"
                + " [{'url': 'http://h:1'}, {'url': 'http://h:2'}]}]}"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': [{'url': 'http://h:1', 'zone': 'a'}, {'url':"
                + " 'http://h:2'}]}]}",
            "fleet.pools[0].replicas[1].zone: missing, and others have one: what fails in one zone"
                + " may be tried again in the same"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': [{'url': 'http://h:1', 'zone': 'a'}, {'url':"
                + " 'http://h:2', 'zone': 'b'}]}]}"),
        fleet(
            "{'enable_fallback': false, 'pools': [{'model_id': 'm', 'replicas': "
                + TWO
                + "}, {'model_id': 'n', 'replicas': {'simulated': {'count': 2}}}]}",
            "fleet.enable_fallback: false: a model without a usable replica answers 503"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': "
                + TWO
                + "}, {'model_id': 'n', 'replicas': {'simulated': {'count': 2}}}]}",
            "fleet.fallback_model_id: missing, so enable_fallback does nothing: a model without a"
                + " usable replica answers 503"),
        fleet(
            "{'pools': [{'model_id': 'm', 'replicas': "
                + TWO
                + "}, {'name': 'o', 'model_id': 'm', 'max_concurrent': 28, 'replicas': [{'url':"
                + " 'http://127.0.0.1:2'}, {'url': 'http://127.0.0.1:3'}]}]}",
            "fleet.pools[1].replicas: http://127.0.0.1:2 is in 2 pools: it may get 128 requests at"
                + " a time, the sum of their max_concurrent"));
  }

  private static Case fleet(String fleet, String... advice) {
    return given("{'fleet': " + fleet + "}", advice);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void advises(Case each) {
    assertThat(Trees.ok(Trees.load(each.json())).advice())
        .extracting(Advice::toString)
        .isEqualTo(each.advice());
  }

  @Test
  void looksAtTheNodesOfAClusterTogether() {
    String node =
        "{'node': {'name': 'a', 'roles': ['ingress', 'batcher']}, 'cluster': {'name': 'c', 'host':"
            + " 'a', 'join': {'dns': {'service': 's'}}}, 'fleet': "
            + FLEET
            + "}";
    NodeConfig one = Trees.config(node);
    NodeConfig other =
        Trees.config(node.replace("'ingress', ", "").replace("'c'", "'d'").replace("'m'", "'n'"));

    assertThat(Advisor.adviseTogether(List.of(one, other)))
        .extracting(Advice::toString)
        .containsExactly(
            "fleet: not the same on all nodes; nodes will complain",
            "cluster.name: not the same on all nodes; they do not join",
            "node.name: a is the name of several nodes",
            "node.roles: no load balancer: only one node has the role ingress",
            "node.roles: no node has the role router",
            "node.roles: no node has the role health-prober");
    assertThat(Advisor.adviseTogether(List.of(one))).isEmpty();
  }
}
