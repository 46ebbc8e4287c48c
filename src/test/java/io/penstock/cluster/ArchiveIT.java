package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.Ports;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The steps by which the image is made and run, without Docker. */
class ArchiveIT {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();
  private static final Duration SOON = Duration.ofMinutes(2);

  private static Process script(Map<String, String> environment, String... command)
      throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static int exitCode(Process process) throws Exception {
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }

  @Test
  void aNodeStartsWithTheArchiveThatTheScriptMakes(@TempDir Path folder) throws Exception {
    Path jar = Path.of(System.getProperty("penstock.jar", "target/penstock.jar")).toAbsolutePath();
    Path archive = folder.resolve("penstock.jsa");
    int port = Ports.consecutive(5);
    Process made =
        script(
            Map.of("JAVA", JAVA, "PORT", Integer.toString(port)),
            "deploy/archive.sh",
            jar.toString(),
            archive.toString());
    String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(exitCode(made)).as(said).isZero();
    assertThat(archive).exists();

    Path options =
        Files.writeString(
            folder.resolve("jvm.options"),
            Files.readString(Path.of("deploy/jvm.options"))
                .replace("/opt/penstock/penstock.jsa", archive.toString()));
    Map<String, String> onPort = Map.of("PORT", Integer.toString(port));
    assertThat(exitCode(script(onPort, "deploy/healthy.sh"))).isNotZero();
    try (PenstockProcess engine =
        PenstockProcess.start(Map.of(), "engine-sim", "--port", Integer.toString(port + 1))) {
      engine.await("serving", SOON, () -> PenstockProcess.status(port + 1, "/health") == 200);
      runs(port, options, onPort);
    }
  }

  private static void runs(int port, Path options, Map<String, String> onPort) throws Exception {
    try (PenstockProcess node =
        PenstockProcess.startWith(
            List.of("-Xshare:on", "@" + options), // it ends where the archive can not be used
            "run",
            "--port",
            Integer.toString(port),
            "--backend",
            "http://127.0.0.1:" + (port + 1))) {
      node.awaitReady(port);
      assertThat(exitCode(script(onPort, "deploy/healthy.sh"))).isZero();
      assertThat(exitCode(script(onPort, "deploy/healthy.sh", "/nowhere"))).isNotZero();
      node.terminate();
      assertThat(node.exitCode(SOON)).as(node.output()).isZero();
    }
  }
}
