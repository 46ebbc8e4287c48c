package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.PenstockProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a node on this machine takes, by its metrics and by the kernel.
 *
 * @param port where it serves
 */
record NodeFigures(PenstockProcess node, int port) {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Sum over the rows that have the label; of all where that is empty. */
  double metric(String name, String label) throws IOException, InterruptedException {
    String all =
        HTTP.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    Matcher row =
        Pattern.compile("(?m)^" + name + "(?:\\{[^}]*" + label + "[^}]*}|) ([0-9.eE+-]+)$")
            .matcher(all);
    double sum = 0;
    while (row.find()) {
      sum += Double.parseDouble(row.group(1));
    }
    return sum;
  }

  /** Live bytes on the heap, in MB: after a whole collection. */
  double heapMb() {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    try {
      for (int i = 0; i < 2; i++) {
        assertThat(
                new ProcessBuilder(jcmd.toString(), Long.toString(node.pid()), "GC.run")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor())
            .isZero();
      }
      return metric("jvm_memory_used_bytes", "area=\"heap\"") / 1e6;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Memory that the process holds of the machine's, in MB. */
  double residentMb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc", Long.toString(node.pid()), "status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1e3;
      }
    }
    return 0;
  }

  /** That it has used so far, of all cores. */
  double cpuSeconds() throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(node.pid()), "stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 0);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
  }
}
