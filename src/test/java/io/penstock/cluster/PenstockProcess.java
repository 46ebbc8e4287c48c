package io.penstock.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** The fat jar as a process of its own, as a user starts it. Ended with {@link #close()}. */
public final class PenstockProcess implements AutoCloseable {
  private static final int KEPT_LINES = 2_000;
  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

  private final Process process;
  private final ConcurrentLinkedDeque<String> output = new ConcurrentLinkedDeque<>();
  private final Thread reader;

  private PenstockProcess(Process process) {
    this.process = process;
    reader =
        new Thread(
            () -> {
              try (BufferedReader lines =
                  new BufferedReader(
                      new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  output.add(line);
                  if (output.size() > KEPT_LINES) {
                    output.pollFirst();
                  }
                }
              } catch (IOException ended) {
                output.add("(output ended: " + ended.getMessage() + ")");
              }
            },
            "output-of-" + process.pid());
    reader.setDaemon(true);
    reader.start();
  }

  /** Starts {@code java -jar penstock.jar arguments…}; stderr is merged into stdout. */
  public static PenstockProcess start(Map<String, String> environment, String... arguments) {
    return start(List.of(), environment, arguments);
  }

  /** The same, by way of a command that runs what follows it. */
  public static PenstockProcess start(
      List<String> runner, Map<String, String> environment, String... arguments) {
    return start(runner, List.of(), environment, arguments);
  }

  /** The same with options of the JVM, which come after those that all have. */
  public static PenstockProcess startWith(List<String> options, String... arguments) {
    return start(List.of(), options, Map.of(), arguments);
  }

  private static PenstockProcess start(
      List<String> runner,
      List<String> options,
      Map<String, String> environment,
      String... arguments) {
    List<String> command = new ArrayList<>(runner);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx384m", "-XX:+UseSerialGC"));
    if (!Boolean.getBoolean("penstock.measured")) {
      // It ends before the second compiler has paid for itself.
      command.add("-XX:TieredStopAtLevel=1");
    }
    command.addAll(options);
    command.addAll(List.of("-jar", jar()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly)); // no orphans
      return new PenstockProcess(process);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String jar() {
    return System.getProperty("penstock.jar", "target/penstock.jar");
  }

  /** Waits until {@code GET /health/ready} says so; fails with the output when it does not. */
  public PenstockProcess awaitReady(int port) {
    return awaitReady("127.0.0.1", port);
  }

  /** The same where it is on another host. */
  public PenstockProcess awaitReady(String host, int port) {
    await(
        "ready on port " + port,
        Duration.ofMinutes(3),
        () -> status(host, port, "/health/ready") == 200);
    return this;
  }

  /** Waits until the condition holds; fails with the output when it does not in time. */
  public void await(String what, Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end || !process.isAlive()) {
        throw new AssertionError(
            "not "
                + what
                + (process.isAlive() ? " within " + limit : "; it ended")
                + "\n"
                + output());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  /** The status of a GET on the loopback; 0 when nobody answers. */
  public static int status(int port, String path) {
    return status("127.0.0.1", port, path);
  }

  /** The same of another host. */
  public static int status(String host, int port, String path) {
    try {
      return HTTP.send(
              HttpRequest.newBuilder(URI.create("http://" + host + ":" + port + path))
                  .timeout(Duration.ofSeconds(10))
                  .build(),
              HttpResponse.BodyHandlers.discarding())
          .statusCode();
    } catch (IOException unreachable) {
      return 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }

  /** What it has printed, its last lines at least. */
  public String output() {
    return String.join("\n", output);
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** SIGTERM: it drains. */
  public void terminate() {
    process.destroy();
  }

  /** SIGKILL. */
  public void kill() {
    process.destroyForcibly();
  }

  /** Waits for its end and gives its exit code. */
  public int exitCode(Duration limit) {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("did not end within " + limit + "\n" + output());
      }
      reader.join(TimeUnit.SECONDS.toMillis(60)); // what it has said last is read
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
