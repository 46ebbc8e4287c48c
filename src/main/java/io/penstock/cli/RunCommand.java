package io.penstock.cli;

import io.penstock.app.Node;
import io.penstock.app.NodeException;
import io.penstock.app.NodeSetup;
import io.penstock.config.ConfigLoader;
import io.penstock.config.Defaults;
import io.penstock.config.Loaded;
import io.penstock.config.Mistake;
import io.penstock.inference.EngineKind;
import io.penstock.telemetry.Logging;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code penstock run}. */
@Command(
    name = "run",
    sortOptions = false,
    header = "Starts a node, from a file or in front of engines that are already running.",
    description = {
      "",
      "With FILE: the node that the file describes.",
      "With --backend: a node that is alone, with one pool for each model that the engines name"
          + " in GET /v1/models.",
      "",
      "SIGTERM and Ctrl-C drain: the node is not ready any more, takes no new work, lets live"
          + " streams finish for up to ingress.drain_seconds (30 unless set), leaves the cluster and"
          + " ends with 0. A second signal ends it at once.",
      "",
      "SIGHUP reads FILE again, and the fleet's file: what can change while the node runs does, what"
          + " can not is named in the log, and a mistake changes nothing."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  penstock run conf/standalone.json",
      "  penstock run --backend http://127.0.0.1:8000",
      "  penstock run --backend http://gpu1:8000 --backend http://gpu2:8000 --port 9000",
      "",
      "Environment:",
      "  PENSTOCK_LOG_FORMAT  json or text; text at a terminal, else json",
      "  PENSTOCK_LOG_LEVEL   trace, debug, info, warn or error; info. Access lines are info.",
    })
final class RunCommand implements Callable<Integer> {
  private static final String DEFAULT_HOST = "127.0.0.1";
  private static final int DEFAULT_PORT = 8080;

  private final Logging logging;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "The node's configuration. `penstock check FILE` tells what is wrong with it.")
  private @Nullable Path file;

  @Option(
      names = "--backend",
      paramLabel = "URL",
      description = "An engine with the OpenAI API: scheme, host and port. May be repeated.")
  private List<String> backends = List.of();

  @Option(
      names = "--engine",
      paramLabel = "KIND",
      description =
          "With --backend: vllm, sglang, tgi, tensorrt_llm, llama_cpp or openai (anything else with"
              + " the OpenAI API). Default: what each engine's list of models says that it is.")
  private @Nullable String engine;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "With --backend: where to serve; 0 for any free port. Default: 8080.")
  private @Nullable Integer port;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description =
          "With --backend: where to serve; 0.0.0.0 for all interfaces. Default: 127.0.0.1.")
  private @Nullable String host;

  RunCommand(Logging logging) {
    this.logging = logging;
  }

  @Override
  public Integer call() throws InterruptedException {
    Loaded.Ok loaded = file == null ? fromBackends() : fromFile(file);
    CompletableFuture<Node> up = new CompletableFuture<>();
    Optional<Supplier<Loaded>> reader = Optional.ofNullable(file).map(RunCommand::reader);
    Signals.onReload(() -> up.thenAccept(Node::reload)); // without a file it says so
    Node node = start(loaded, reader);
    up.complete(node);
    if (file == null) { // else it is among the advice on the file
      Banner.warning(node.config()).ifPresent(LoggerFactory.getLogger(RunCommand.class)::warn);
    }
    PrintWriter out = out();
    out.print(Banner.of(node.config(), Version.penstock()));
    out.flush();
    return drain(node);
  }

  private Loaded.Ok fromFile(Path named) {
    if (!backends.isEmpty()) {
      throw CliException.usage("FILE and --backend: both given (expected: one of them)");
    }
    onlyWithBackend("--port", port, "node.ports.http");
    onlyWithBackend("--host", host, "node.host");
    onlyWithBackend("--engine", engine, "engine of each pool");
    Loaded.Ok loaded = Configurations.require(reader(named).get(), named.toString());
    Logger log = LoggerFactory.getLogger("penstock.config");
    loaded.advice().forEach(advice -> log.warn("{}: {}", named, advice));
    return loaded;
  }

  private static Supplier<Loaded> reader(Path named) {
    return () -> ConfigLoader.load(named, Configurations.environment());
  }

  private static void onlyWithBackend(String option, @Nullable Object given, String inFile) {
    if (given != null) {
      throw CliException.usage(option + ": given with FILE (expected: " + inFile + " in the file)");
    }
  }

  private Loaded.Ok fromBackends() {
    if (backends.isEmpty()) {
      throw CliException.usage("FILE or --backend: neither given (expected: one of them)");
    }
    int chosen = port == null ? DEFAULT_PORT : port;
    if (chosen < 0 || chosen > 65_535) {
      throw CliException.usage("--port: " + chosen + " (expected: 0..65535)");
    }
    List<Mistake> mistakes = Defaults.checkBackends(backends);
    if (!mistakes.isEmpty()) {
      throw CliException.usage(
          mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")));
    }
    Optional<EngineKind> kind = Optional.ofNullable(engine).map(RunCommand::engineKind);
    List<String> urls = backends.stream().map(RunCommand::withoutSlash).distinct().toList();
    return Configurations.require(
        Defaults.forBackends(host == null ? DEFAULT_HOST : host, chosen, Backends.ask(urls, kind)),
        "");
  }

  private static EngineKind engineKind(String name) {
    return EngineKind.of(name)
        .orElseThrow(
            () ->
                CliException.usage(
                    "--engine: "
                        + name
                        + " (expected: "
                        + Stream.of(EngineKind.values())
                            .map(EngineKind::label)
                            .collect(Collectors.joining(", "))
                        + ")"));
  }

  private static String withoutSlash(String url) {
    return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
  }

  private Node start(Loaded.Ok loaded, Optional<Supplier<Loaded>> reader)
      throws InterruptedException {
    NodeSetup setup =
        new NodeSetup(Version.penstock(), logging.format(), System.err, Clock.system(), reader);
    try {
      return get(Node.start(loaded.config(), setup));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NodeException inWords) {
        throw CliException.failed(String.valueOf(inWords.getMessage()));
      }
      throw new IllegalStateException("the node can not start", e.getCause());
    }
  }

  /**
   * Returns when the first signal has come, or the cluster is lost, and the node has drained; the
   * next signal ends it at once.
   *
   * @return exit code
   */
  private static int drain(Node node) throws InterruptedException {
    CompletableFuture<Integer> ending = new CompletableFuture<>();
    Signals.onStop(
        name -> {
          if (!ending.complete(ExitCode.OK)) {
            Runtime.getRuntime().halt(ExitCode.FAILED);
          }
        });
    node.lost()
        .onSuccess(
            lost -> {
              LoggerFactory.getLogger(RunCommand.class)
                  .error(
                      "this node has ceased to be a member of the cluster (Hazelcast's log says"
                          + " why; often it is memory); the others take it for dead, so it drains"
                          + " and ends");
              ending.complete(ExitCode.FAILED);
            });
    try {
      int code = ending.get();
      get(node.drain());
      return code;
    } catch (ExecutionException e) {
      throw new IllegalStateException("the node can not drain", e.getCause());
    }
  }

  private static <T> T get(Future<T> future) throws InterruptedException, ExecutionException {
    return future.toCompletionStage().toCompletableFuture().get();
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
