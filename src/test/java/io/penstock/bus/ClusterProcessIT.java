package io.penstock.bus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three nodes in three JVMs, one of which is killed, paused, or asked to leave. */
class ClusterProcessIT {
  /** For what happens within a few seconds unless it never does: how soon is printed. */
  private static final Duration BOUND = Duration.ofMinutes(1);

  private static final Duration START = Duration.ofMinutes(3);

  private final TestCluster cluster = new TestCluster(3);
  private final List<Node> nodes = new ArrayList<>();

  @AfterEach
  void stop() {
    nodes.forEach(node -> node.process.destroyForcibly());
  }

  @Test
  void joinKillAndReturn() throws Exception {
    Node a = start(0);
    Node b = start(1);
    Node c = start(2);
    awaitViews("a,b,c", START, a, b, c);

    c.process.destroyForcibly(); // SIGKILL
    report("kill -9", awaitViews("a,b", BOUND, a, b));

    long launched = System.nanoTime();
    Node again = start(2);
    again.awaitReady(START);
    report("launched to ready", launched);
    report("ready to seen by all", awaitViews("a,b,c", BOUND, a, b, again));

    again.process.getOutputStream().close(); // asks it to leave
    report("graceful leave", awaitViews("a,b", BOUND, a, b));
    assertThat(again.process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(again.process.exitValue()).isZero();
  }

  /** The oldest is Hazelcast's master: its silence is the harder case. */
  @ParameterizedTest(name = "node {0}, in order of age")
  @ValueSource(ints = {0, 2})
  void aNodeThatIsPausedIsOutUntilItGoesOn(int index) throws Exception {
    start(0).awaitReady(START);
    start(1).awaitReady(START);
    start(2).awaitReady(START);
    awaitViews("a,b,c", START, nodes.toArray(Node[]::new));
    Node paused = nodes.get(index);
    Node[] others = nodes.stream().filter(node -> node != paused).toArray(Node[]::new);
    String rest = Stream.of(others).map(node -> node.name).collect(Collectors.joining(","));

    signal(paused, "-STOP");
    report("SIGSTOP", awaitViews(rest, BOUND, others));
    // Longer than maxNoHeartbeat: Hazelcast has removed it as well, and must take it back.
    for (Node other : others) {
      other.awaitNothingNew(Duration.ofSeconds(4));
    }

    signal(paused, "-CONT");
    report("SIGCONT", awaitViews("a,b,c", BOUND, nodes.toArray(Node[]::new)));
    for (Node other : others) {
      assertThat(other.seen).as("views of %s", other.name).doesNotContain("VIEW " + other.name);
    }
  }

  private Node start(int index) throws IOException {
    String name = String.valueOf((char) ('a' + index));
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(
        List.of(
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dhazelcast.logging.type=slf4j",
            "-cp",
            System.getProperty("java.class.path"),
            NodeProcess.class.getName(),
            name,
            cluster.name(),
            String.valueOf(cluster.port(index)),
            String.valueOf(cluster.busPort(index)),
            String.join(",", cluster.members())));
    File log = new File("target", "ClusterProcessIT-" + name + ".log");
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log)).start();
    Node node = new Node(name, process);
    nodes.add(node);
    return node;
  }

  private static void signal(Node node, String signal) throws Exception {
    Process kill = new ProcessBuilder("kill", signal, String.valueOf(node.process.pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  /** Waits until each of them sees exactly these; returns when the wait began. */
  private static long awaitViews(String names, Duration bound, Node... nodes)
      throws InterruptedException {
    long began = System.nanoTime();
    for (Node node : nodes) {
      node.await("VIEW " + names, bound.minusNanos(System.nanoTime() - began));
    }
    return began;
  }

  private static void report(String what, long began) {
    System.out.printf("%s: %d ms%n", what, (System.nanoTime() - began) / 1_000_000);
  }

  private static final class Node {
    private final String name;
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final List<String> seen = new ArrayList<>(); // since all three were there
    private String last = "nothing"; // of its views
    private boolean ready;
    private boolean whole;

    Node(String name, Process process) {
      this.name = name;
      this.process = process;
      Thread reader = new Thread(this::read, "output of " + name);
      reader.setDaemon(true);
      reader.start();
    }

    void awaitReady(Duration bound) throws InterruptedException {
      long until = System.nanoTime() + bound.toNanos();
      while (!ready) {
        read("READY", until, bound);
      }
    }

    /** Returns at once when its last view is the wanted one. */
    void await(String wanted, Duration bound) throws InterruptedException {
      long until = System.nanoTime() + bound.toNanos();
      while (!last.equals(wanted)) {
        read(wanted, until, bound);
      }
    }

    private void read(String wanted, long until, Duration bound) throws InterruptedException {
      String line = next(until - System.nanoTime());
      if (line == null) {
        throw new AssertionError(
            name + " said '" + last + "' last (expected: '" + wanted + "' within " + bound + ")");
      }
      if (line.equals("READY")) {
        ready = true;
      } else {
        last = line;
        if (line.equals("VIEW a,b,c")) {
          whole = true;
        }
        if (whole) {
          seen.add(line);
        }
      }
    }

    void awaitNothingNew(Duration bound) throws InterruptedException {
      assertThat(next(bound.toNanos())).isNull();
    }

    private @Nullable String next(long nanos) throws InterruptedException {
      return lines.poll(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    }

    private void read() {
      try (BufferedReader out =
          new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          if (line.startsWith("> ")) {
            lines.add(line.substring(2));
          }
        }
      } catch (IOException e) {
        if (process.isAlive()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }
}
