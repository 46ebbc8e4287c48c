package io.penstock.bus;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.inference.Role;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A node in a JVM of its own: prints {@code VIEW name,name} whenever others are in its view, and
 * {@code READY} once; leaves when its standard input ends.
 */
public final class NodeProcess {
  private static String seen = ""; // touched on one event loop

  private NodeProcess() {}

  /** Arguments: name of the node, of the cluster, port, bus port, members. */
  public static void main(String[] args) throws Exception {
    ClusterConfig config =
        TestCluster.config(
            args[1],
            Integer.parseInt(args[2]),
            Integer.parseInt(args[3]),
            List.of(args[4].split(",")));
    ClusterNode node =
        TestCluster.start(Optional.of(config), args[0], "fleet", new SimpleMeterRegistry());
    node.directory().onChange(NodeProcess::print);
    TestCluster.await(node.announce(Set.of(Role.BATCHER), 1));
    say("READY");
    while (System.in.read() >= 0) {}
    TestCluster.await(node.close());
  }

  private static void print(View view) {
    String next =
        view.nodes().stream()
            .filter(n -> n.roles().contains(Role.BATCHER))
            .map(View.Node::name)
            .sorted()
            .collect(Collectors.joining(",", "VIEW ", ""));
    if (!next.equals(seen)) {
      seen = next;
      say(next);
    }
  }

  private static void say(String line) {
    System.out.println("> " + line);
    System.out.flush();
  }
}
