package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.Ports;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jar has all that it needs, though the pom leaves out much of what its parts bring along. The
 * other tests of several nodes run from it as well; here is what they do not come to.
 */
class JarIT {
  private static final Path JAR =
      Path.of(System.getProperty("penstock.jar", "target/penstock.jar"));
  private static final Duration SOON = Duration.ofMinutes(2);

  /** What is more has come in with a dependency: is all of it used? */
  private static final long MAX_BYTES = 29_000_000;

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  @Test
  void isNoLargerThanItsFeatures() throws IOException {
    assertThat(Files.size(JAR)).isLessThan(MAX_BYTES);
  }

  @Test
  void hasEveryClassThatAServiceFileNames() throws IOException {
    List<String> missing = new ArrayList<>();
    int named = 0;
    try (JarFile jar = new JarFile(JAR.toFile())) {
      for (ZipEntry file : jar.stream().filter(JarIT::isServiceFile).toList()) {
        String text = new String(jar.getInputStream(file).readAllBytes(), StandardCharsets.UTF_8);
        for (String line : text.lines().toList()) {
          String name = line.replaceAll("#.*", "").strip();
          if (!name.isEmpty()) {
            named++;
            if (jar.getEntry(name.replace('.', '/') + ".class") == null) {
              missing.add(file.getName() + ": " + name);
            }
          }
        }
      }
    }
    assertThat(named).isGreaterThan(50);
    assertThat(missing).isEmpty();
  }

  private static boolean isServiceFile(ZipEntry entry) {
    return entry.getName().startsWith("META-INF/services/") && !entry.isDirectory();
  }

  /**
   * Files of users' own in both forms, read against their schemas, with the port for all protocols
   * that Hazelcast has by default: where there is one, a member is ready for clients.
   */
  @Test
  void nodesWithHazelcastFilesOfTheirOwnFindEachOther(@TempDir Path folder) throws Exception {
    int ports = Ports.consecutive(2);
    Path yaml =
        Files.writeString(
            folder.resolve("own.yaml"),
            """
            hazelcast:
              cluster-name: own-%1$d
              network:
                port:
                  port: %1$d
                  auto-increment: false
                join:
                  auto-detection:
                    enabled: false
                  multicast:
                    enabled: false
                  tcp-ip:
                    enabled: true
                    member-list:
                      - 127.0.0.1:%1$d
                      - 127.0.0.1:%2$d
              properties:
                hazelcast.wait.seconds.before.join: "1"
            """
                .formatted(ports, ports + 1));
    Path xml =
        Files.writeString(
            folder.resolve("own.xml"),
            """
            <hazelcast xmlns="http://www.hazelcast.com/schema/config"
                       xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                       xsi:schemaLocation="http://www.hazelcast.com/schema/config
                           http://www.hazelcast.com/schema/config/hazelcast-config-5.1.xsd">
              <cluster-name>own-%1$d</cluster-name>
              <properties>
                <property name="hazelcast.wait.seconds.before.join">1</property>
              </properties>
              <network>
                <port auto-increment="false">%2$d</port>
                <join>
                  <auto-detection enabled="false"/>
                  <multicast enabled="false"/>
                  <tcp-ip enabled="true">
                    <member>127.0.0.1:%1$d</member>
                    <member>127.0.0.1:%2$d</member>
                  </tcp-ip>
                </join>
              </network>
            </hazelcast>
            """
                .formatted(ports, ports + 1));
    int first = Ports.free();
    int second = Ports.free();
    try (PenstockProcess a = start(folder, "a", first, yaml);
        PenstockProcess b = start(folder, "b", second, xml)) {
      for (int port : new int[] {first, second}) {
        PenstockProcess node = port == first ? a : b;
        node.await("seeing both", SOON, () -> seesTwo(port));
      }
      assertThat(a.output() + b.output()).doesNotContain("NoClassDefFound", "ClassNotFound");
    }
  }

  private static PenstockProcess start(Path folder, String name, int port, Path hazelcastFile)
      throws IOException {
    JsonObject config =
        new JsonObject()
            .put(
                "node",
                new JsonObject()
                    .put("name", name)
                    .put(
                        "ports",
                        new JsonObject()
                            .put("http", port)
                            .put("admin", Ports.free())
                            .put("bus", Ports.free())))
            .put(
                "cluster",
                new JsonObject()
                    .put("host", "127.0.0.1")
                    .put("hazelcast_file", hazelcastFile.toString()))
            .put(
                "fleet",
                new JsonObject()
                    .put(
                        "pools",
                        new JsonArray()
                            .add(
                                new JsonObject()
                                    .put("name", "rivers")
                                    .put("model_id", "river-8b")
                                    .put(
                                        "replicas",
                                        new JsonArray()
                                            .add(
                                                new JsonObject()
                                                    .put("url", "http://127.0.0.1:9"))))));
    Path file = Files.writeString(folder.resolve(name + ".json"), config.encodePrettily());
    return PenstockProcess.start(Map.of(), "run", file.toString());
  }

  private static boolean seesTwo(int port) {
    try {
      return HTTP.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build(),
              HttpResponse.BodyHandlers.ofString())
          .body()
          .contains("\npenstock_cluster_nodes 2.0");
    } catch (IOException notYet) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
