package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** A Redis of this machine, in memory alone, that can be ended and started again. */
final class RealRedis implements AutoCloseable {
  private final Path folder;
  private int port;
  private @Nullable Process process;

  RealRedis(Path folder) {
    this.folder = folder;
  }

  /** Starts it, always at the same port. */
  void start() throws IOException {
    Path server = Path.of("/usr/bin/redis-server");
    Assumptions.assumeTrue(
        Files.isExecutable(server) || "true".equals(System.getenv("CI")), server + " is not here");
    port = port == 0 ? Ports.free() : port;
    Path log = folder.resolve("redis.log");
    process =
        new ProcessBuilder(
                server.toString(),
                "--port",
                Integer.toString(port),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!Files.readString(log).contains("Ready to accept")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
  }

  String url() {
    return "redis://127.0.0.1:" + port;
  }

  Process process() {
    if (process == null) {
      throw new IllegalStateException("not started");
    }
    return process;
  }

  /** Ends it without a word, and with all that it knows. */
  void kill() throws InterruptedException {
    process().destroyForcibly().waitFor();
  }

  @Override
  public void close() throws InterruptedException {
    if (process != null) {
      kill();
    }
  }
}
