package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the image is made of is there and fits together; {@code ArchiveIT} runs its steps. */
class ImageTest {
  private static final Path DEPLOY = Path.of("deploy");
  private static final String HOME = "/opt/penstock/";

  /** Instructions, each on one line and without what continues it. */
  private static List<String> instructions() throws IOException {
    String text = Files.readString(DEPLOY.resolve("Dockerfile")).replaceAll("(?m)^#.*\n", "");
    return text.replaceAll("\\\\\n", " ").lines().filter(line -> !line.isBlank()).toList();
  }

  private static List<String> all(String instruction) throws IOException {
    return instructions().stream()
        .filter(line -> line.startsWith(instruction + " "))
        .map(line -> line.substring(instruction.length() + 1))
        .toList();
  }

  @Test
  void whatIsCopiedIsThereAndReachesTheBuild() throws IOException {
    List<String> ignored = Files.readAllLines(Path.of(".dockerignore"));
    assertThat(ignored).startsWith("*");
    List<String> copied = new ArrayList<>();
    for (String arguments : all("COPY")) {
      String[] words = arguments.split(" ", 0);
      if (!words[0].startsWith("--from")) {
        copied.addAll(Arrays.asList(words).subList(0, words.length - 1));
      }
    }
    assertThat(copied)
        .contains("pom.xml", "src/main", "deploy/archive.sh", "deploy/healthy.sh")
        .allSatisfy(source -> assertThat(Path.of(source)).exists())
        .allSatisfy(
            source ->
                assertThat(ignored.stream().skip(1).map(line -> line.substring(1)))
                    .anyMatch(kept -> source.equals(kept) || source.startsWith(kept + "/")));
  }

  @Test
  void whatIsRunIsWhatWasCopied() throws IOException {
    List<String> copied =
        all("COPY").stream().flatMap(line -> Stream.of(line.split(" ", 0))).toList();
    assertThat(all("WORKDIR")).last().isEqualTo(HOME.substring(0, HOME.length() - 1));
    assertThat(all("ENTRYPOINT"))
        .containsExactly(
            "[\"java\", \"@" + HOME + "jvm.options\", \"-jar\", \"" + HOME + "penstock.jar\"]");
    assertThat(all("HEALTHCHECK"))
        .singleElement()
        .asString()
        .endsWith("[\"" + HOME + "healthy.sh\"]");
    assertThat(copied)
        .contains("deploy/jvm.options", "deploy/healthy.sh", "/src/target/penstock.jar");
    assertThat(all("RUN"))
        .last()
        .asString()
        .startsWith("./archive.sh " + HOME + "penstock.jar " + HOME);
    assertThat(all("USER")).last().asString().matches("[1-9][0-9]*:[1-9][0-9]*");
    for (String script : new String[] {"archive.sh", "healthy.sh"}) {
      assertThat(DEPLOY.resolve(script)).isExecutable();
    }
  }

  /** The JVM refuses what it does not know; the archive is not needed for it to start. */
  @Test
  void theOptionsAreOnesOfThisJvm() throws Exception {
    List<String> options =
        Files.readAllLines(DEPLOY.resolve("jvm.options")).stream()
            .filter(line -> !line.startsWith("#"))
            .toList();
    assertThat(options)
        .contains("-XX:+ExitOnOutOfMemoryError", "-XX:SharedArchiveFile=" + HOME + "penstock.jsa");
    assertThat(String.join("\n", all("RUN"))).contains(HOME + "penstock.jsa");
    Process java =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + DEPLOY.resolve("jvm.options"),
                "-XX:+PrintFlagsFinal",
                "-version")
            .redirectErrorStream(true)
            .start();
    String said = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(java.waitFor()).as(said).isZero();
    assertThat(said)
        .containsPattern("MaxHeapSize += " + (512L << 20) + " ")
        .containsPattern("ExitOnOutOfMemoryError += true ");
  }
}
