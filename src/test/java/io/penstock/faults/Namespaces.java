package io.penstock.faults;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hosts in network namespaces of this machine. Each has two networks: one to clients and engines,
 * which run outside of the namespaces, and one to the other hosts, which can be cut: then packets
 * vanish without a trace, as they do where a switch fails or a firewall drops them. Needs root.
 */
final class Namespaces implements Hosts, AutoCloseable {
  private static final int SIDES = 2;

  /** The kernel takes a while to forget those of a namespace that is gone. */
  private static final AtomicInteger MADE = new AtomicInteger();

  private final int nth = MADE.getAndIncrement();
  private final String prefix = "p" + ProcessHandle.current().pid() % 100_000 + "x" + nth;
  private final int net = 16 + (int) ((ProcessHandle.current().pid() + nth) % 200);
  private final int count;

  Namespaces(int count) {
    this.count = count;
    for (int side = 0; side < SIDES; side++) {
      run("link add", bridge(side), "type bridge");
      run("link set", bridge(side), "up");
    }
    run("addr add", ofEngines() + "/32 dev lo");
    for (int i = 0; i < count; i++) {
      run("netns add", name(i));
      run("-n", name(i), "link set lo up");
      run("link add", outer(i, "c"), "type veth peer name clients netns", name(i));
      run("addr add", "10." + net + "." + (100 + i) + ".1/24 dev", outer(i, "c"));
      run("-n", name(i), "addr add", forClients(i) + "/24 dev clients");
      run("link add", outer(i, "n"), "type veth peer name nodes netns", name(i));
      run("-n", name(i), "addr add", forNodes(i) + "/24 dev nodes");
      run("link set", outer(i, "n"), "master", bridge(0));
      for (String network : List.of("c", "n")) {
        run("link set", outer(i, network), "up");
      }
      run("-n", name(i), "link set clients up");
      run("-n", name(i), "link set nodes up");
      run("-n", name(i), "route add default via", "10." + net + "." + (100 + i) + ".1");
    }
  }

  /** These and the others do not reach each other from now on. */
  void cut(Set<Integer> away) {
    for (int i = 0; i < count; i++) {
      run("link set", outer(i, "n"), "master", bridge(away.contains(i) ? 1 : 0));
    }
  }

  void heal() {
    cut(Set.of());
  }

  /** Whether this machine can have them: Linux, root, iproute2. */
  static boolean arePossible() {
    try {
      String probe = "pn-probe-" + ProcessHandle.current().pid();
      boolean possible = exec("netns add " + probe) == 0;
      if (possible) {
        exec("netns del " + probe);
      }
      return possible;
    } catch (IOException noSuchCommand) {
      return false;
    }
  }

  @Override
  public List<String> runner(int node) {
    return List.of("ip", "netns", "exec", name(node));
  }

  @Override
  public String forClients(int node) {
    return "10." + net + "." + (100 + node) + ".2";
  }

  @Override
  public String forNodes(int node) {
    return "10." + net + ".0." + (10 + node);
  }

  @Override
  public String ofEngines() {
    return "10." + net + ".1.1";
  }

  @Override
  public String listensOn() {
    return "0.0.0.0";
  }

  private String name(int node) {
    return prefix + "h" + node;
  }

  private String bridge(int side) {
    return prefix + "b" + side;
  }

  private String outer(int node, String network) {
    return prefix + network + node;
  }

  private static void run(String... parts) {
    String arguments = String.join(" ", parts);
    try {
      if (exec(arguments) != 0) {
        throw new IllegalStateException("ip " + arguments + " failed");
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int exec(String arguments) throws IOException {
    Process process =
        new ProcessBuilder(("ip " + arguments).split(" ")).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("ip " + arguments + " does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    if (process.exitValue() != 0) {
      System.err.println("ip " + arguments + ": " + said.strip());
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    for (int i = 0; i < count; i++) {
      run("netns del", name(i)); // and both of its networks
    }
    for (int side = 0; side < SIDES; side++) {
      run("link del", bridge(side));
    }
    run("addr del", ofEngines() + "/32 dev lo");
  }
}
