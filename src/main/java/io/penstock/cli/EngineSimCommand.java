package io.penstock.cli;

import io.penstock.load.Durations;
import io.penstock.sim.EngineSimulator;
import io.penstock.sim.KvPublishing;
import io.penstock.sim.SimConfig;
import io.penstock.sim.SimFault;
import io.penstock.sim.SimProfile;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code penstock engine-sim}. */
@Command(
    name = "engine-sim",
    sortOptions = false,
    header = "Starts simulated engines: servers that answer as vLLM does, without a GPU.",
    description = {
      "",
      "Each replica is an engine of its own with a port of its own. Speed and memory come from a"
          + " profile of a model on a GPU; text is made up, and the same for the same prompt.",
      ""
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  penstock engine-sim --port 9101 --replicas 3",
      "  penstock engine-sim --port 9101 --profile l4-llama-3.1-8b --model llama",
      "  penstock engine-sim --port 9101 --fault reset --fault-after 5 --fault-rate 0.1",
      "",
      "Faults at run time, for one request or for many, and what an engine has seen:",
      "  curl http://127.0.0.1:9101/sim/faults -d '{\"kind\":\"stall\",\"after\":3,\"count\":1}'",
      "  curl http://127.0.0.1:9101/v1/completions -H 'x-sim-fault: reset;after=5' -d …",
      "  curl http://127.0.0.1:9101/sim/stats"
    })
final class EngineSimCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "9101",
      description =
          "Of the first replica, the others' follow; 0 for free ones. Default: ${DEFAULT-VALUE}.")
  private int port;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Where to listen. Default: ${DEFAULT-VALUE}.")
  private String host = "";

  @Option(
      names = "--replicas",
      paramLabel = "N",
      defaultValue = "1",
      description = "How many engines. Default: ${DEFAULT-VALUE}.")
  private int replicas;

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      defaultValue = "h100-llama-3.1-8b",
      completionCandidates = Profiles.class,
      description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private String profile = "";

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = "The name that it serves. Default: the profile's.")
  private @Nullable String model;

  @Option(
      names = "--max-num-seqs",
      paramLabel = "N",
      description = "Sequences that run at once on a replica. Default: the profile's.")
  private @Nullable Integer maxNumSeqs;

  @Option(
      names = "--startup-delay",
      paramLabel = "TIME",
      defaultValue = "0s",
      description =
          "How long an engine loads before it answers, such as 30s. Default: ${DEFAULT-VALUE}.")
  private String startupDelay = "";

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of the text. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--continuation",
      paramLabel = "HOW",
      defaultValue = "offered",
      description =
          "What becomes of continue_final_message: offered, refused or ignored."
              + " Default: ${DEFAULT-VALUE}.")
  private String continuation = "";

  @Option(
      names = "--kv-events",
      paramLabel = "HOW",
      description =
          "Each engine publishes what its prefix cache holds, as vLLM does, on its port + 1000, and"
              + " what was missed on its port + 2000: written as maps or as arrays.")
  private @Nullable String kvEvents;

  @Option(
      names = "--fault",
      paramLabel = "KIND",
      description = "What goes wrong from the start: one of ${COMPLETION-CANDIDATES}.",
      completionCandidates = Faults.class)
  private @Nullable String fault;

  @Option(
      names = "--fault-after",
      paramLabel = "FRAMES",
      defaultValue = "0",
      description = "Frames of a stream that go well before. Default: ${DEFAULT-VALUE}.")
  private int faultAfter;

  @Option(
      names = "--fault-rate",
      paramLabel = "SHARE",
      defaultValue = "1",
      description = "Share of requests that it strikes, up to 1. Default: ${DEFAULT-VALUE}.")
  private double faultRate;

  /** What {@code --profile} can be. */
  static final class Profiles extends ArrayList<String> {
    Profiles() {
      super(SimProfile.names());
    }
  }

  /** What {@code --fault} can be. */
  static final class Faults extends ArrayList<String> {
    Faults() {
      for (SimFault.Kind kind : SimFault.Kind.values()) {
        add(kind.label());
      }
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    SimConfig config = config();
    List<SimFault> armed = faults();
    Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    EngineSimulator engines = start(vertx, config, armed);
    PrintWriter out = spec.commandLine().getOut();
    out.print(greeting(config, engines.urls()));
    out.flush();
    awaitSignal();
    vertx.close().toCompletionStage().toCompletableFuture().join();
    return ExitCode.OK;
  }

  private SimConfig config() {
    try {
      SimProfile chosen = SimProfile.of(profile);
      SimConfig config =
          SimConfig.of(chosen)
              .withHost(host)
              .withModel(model == null ? chosen.model() : model)
              .withReplicas(replicas)
              .withBasePort(port)
              .withSeed(seed)
              .withContinuation(SimConfig.Continuation.of(continuation))
              .withStartupDelay(Durations.parse("--startup-delay", startupDelay));
      if (kvEvents != null) {
        config =
            config.withKvEvents(
                KvPublishing.DEFAULT.withEncoding(KvPublishing.Encoding.of(kvEvents)));
      }
      return maxNumSeqs == null ? config : config.withMaxNumSeqs(maxNumSeqs);
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw CliException.usage(
          message
              .replaceFirst("^basePort:", "--port:")
              .replaceFirst("^continuation:", "--continuation:")
              .replaceFirst("^encoding:", "--kv-events:")); // as the user said
    }
  }

  private List<SimFault> faults() {
    if (fault == null) {
      return List.of();
    }
    if (!(faultRate > 0 && faultRate <= 1)) {
      throw CliException.usage("--fault-rate: " + faultRate + " (expected: above 0, up to 1)");
    }
    for (SimFault.Kind kind : SimFault.Kind.values()) {
      if (kind.label().equals(fault)) {
        try {
          return List.of(SimFault.of(kind).withAfter(faultAfter));
        } catch (IllegalArgumentException e) {
          throw CliException.usage("--fault-" + e.getMessage());
        }
      }
    }
    throw CliException.usage(
        "--fault: '" + fault + "' (expected: one of " + String.join(", ", new Faults()) + ")");
  }

  private EngineSimulator start(Vertx vertx, SimConfig config, List<SimFault> armed)
      throws InterruptedException {
    try {
      return EngineSimulator.start(vertx, config)
          .compose(engines -> arm(engines, config, armed))
          .toCompletionStage()
          .toCompletableFuture()
          .get();
    } catch (ExecutionException e) {
      vertx.close().toCompletionStage().toCompletableFuture().join();
      throw CliException.failed(
          e.getCause() == null ? e.toString() : String.valueOf(e.getCause().getMessage()));
    }
  }

  private Future<EngineSimulator> arm(
      EngineSimulator engines, SimConfig config, List<SimFault> armed) {
    List<Future<Void>> all = new ArrayList<>();
    for (int replica = 0; replica < config.replicas(); replica++) {
      for (SimFault each : armed) {
        all.add(engines.arm(replica, each, faultRate, 0));
      }
    }
    return Future.all(all).map(engines);
  }

  private static String greeting(SimConfig config, List<String> urls) {
    StringBuilder out = new StringBuilder();
    out.append(config.replicas() == 1 ? "A simulated engine" : config.replicas() + " engines")
        .append(" serving ")
        .append(config.model())
        .append(" at the speed of ")
        .append(config.profile().name())
        .append(":\n\n");
    urls.forEach(url -> out.append("  ").append(url).append("/v1\n"));
    return out.append("\nA gateway in front:\n\n  penstock run ")
        .append(urls.stream().map(url -> "--backend " + url).collect(Collectors.joining(" ")))
        .append("\n\nCtrl-C ends them.\n")
        .toString();
  }

  private static void awaitSignal() throws InterruptedException {
    CountDownLatch signal = new CountDownLatch(1);
    Signals.onStop(name -> signal.countDown());
    signal.await();
  }
}
