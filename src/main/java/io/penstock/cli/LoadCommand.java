package io.penstock.cli;

import io.penstock.load.Durations;
import io.penstock.load.Endpoint;
import io.penstock.load.Goodput;
import io.penstock.load.LoadConfig;
import io.penstock.load.LoadException;
import io.penstock.load.LoadProgress;
import io.penstock.load.LoadReport;
import io.penstock.load.LoadRun;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code penstock load}: options in, exit code out; everything else is the room {@code load}. */
@Command(
    name = "load",
    sortOptions = false,
    usageHelpAutoWidth = true,
    header = "Loads an OpenAI-compatible server and checks that each stream is whole.",
    description = {
      "",
      "With --trace, requests arrive as in the trace (open loop: a slow server never delays the next"
          + " arrival, and latencies count from the planned one). With --rate they arrive as a Poisson"
          + " process; with --concurrency each client waits for its answer (closed loop)."
    },
    footer = {
      "",
      "Traces: CSV with t_s,input_tokens,output_tokens; or JSON lines with t, in, out, and optionally"
          + " s (session) and blk (prefix blocks); gzipped or plain.",
      "",
      "Examples:",
      "  penstock load --concurrency 8 --duration 30s http://127.0.0.1:8080",
      "  penstock load --trace azure2023_conv.csv.gz --start 10m --duration 60s \\",
      "      --goodput ttft=2000ms,itl=25ms --json report.json http://127.0.0.1:8080",
      "",
      "Exit codes: 0 every answer was whole; 1 something failed or was shed; 2 wrong usage."
    })
public final class LoadCommand implements Callable<Integer> {
  private static final int FAILED = 1;
  private static final int USAGE = 2;
  private static final Duration PLAIN_PROGRESS = Duration.ofSeconds(5);

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "URL",
      description = "The server; several are used in turn.")
  private List<String> targets = new ArrayList<>();

  @Option(names = "--trace", paramLabel = "FILE", description = "Requests to replay.")
  private @Nullable Path trace;

  @Option(names = "--rate", paramLabel = "R", description = "Poisson arrivals, R a second.")
  private @Nullable Double rate;

  @Option(names = "--concurrency", paramLabel = "N", description = "Closed loop of N clients.")
  private @Nullable Integer concurrency;

  @Option(
      names = "--speed",
      paramLabel = "X",
      description = "Replays the trace X times as fast. Default: 1.")
  private @Nullable Double speed;

  @Option(
      names = "--session-rate",
      paramLabel = "R",
      description = "Sessions that start a second, for traces timed by session.")
  private @Nullable Double sessionRate;

  @Option(
      names = "--start",
      paramLabel = "TIME",
      defaultValue = "0s",
      description = "Leaves out the trace before it.")
  private String start = "";

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      description = "No arrivals after it. Default: the whole trace, or 30s.")
  private @Nullable String duration;

  @Option(names = "--requests", paramLabel = "N", description = "No more arrivals than N.")
  private @Nullable Long requests;

  @Option(
      names = "--input-tokens",
      paramLabel = "N",
      defaultValue = "256",
      description = "Prompts without a trace. Default: ${DEFAULT-VALUE}.")
  private int inputTokens;

  @Option(
      names = "--output-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Answers without a trace. Default: ${DEFAULT-VALUE}.")
  private int outputTokens;

  @Option(names = "--max-input", paramLabel = "N", description = "Cuts longer prompts.")
  private @Nullable Integer maxInput;

  @Option(names = "--max-output", paramLabel = "N", description = "Asks for no more.")
  private @Nullable Integer maxOutput;

  @Option(
      names = "--block-tokens",
      paramLabel = "N",
      description = "Tokens of a prefix block. Default: what fits the trace.")
  private @Nullable Integer blockTokens;

  @Option(names = "--model", paramLabel = "NAME", description = "Default: the first of /v1/models.")
  private @Nullable String model;

  @Option(
      names = "--endpoint",
      paramLabel = "NAME",
      defaultValue = "chat",
      description = "chat or completions. Default: ${DEFAULT-VALUE}.")
  private String endpoint = "";

  @Option(
      names = "--stream",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Whether answers are streamed. Default: streamed.")
  private boolean stream;

  @Option(
      names = "--exact-output",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "Whether to send min_tokens and ignore_eos, so that engines generate exactly the wanted length."
              + " Default: sent.")
  private boolean exactOutput;

  @Option(
      names = "--usage",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Whether to ask for usage and require it. Default: required.")
  private boolean usage;

  @Option(
      names = "--max-in-flight",
      paramLabel = "N",
      defaultValue = "2000",
      description =
          "Arrivals beyond it are not sent but counted as shed. Default: ${DEFAULT-VALUE}.")
  private int maxInFlight;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "2m",
      description = "Of one request. Default: ${DEFAULT-VALUE}.")
  private String timeout = "";

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      defaultValue = "${env:PENSTOCK_API_KEY}",
      description =
          "Sent as a bearer token. Default: what the environment variable PENSTOCK_API_KEY says,"
              + " which other users do not see.")
  private @Nullable String apiKey;

  @Option(
      names = "--header",
      paramLabel = "NAME=VALUE",
      description = "Sent with every request; repeatable.")
  private List<String> headers = new ArrayList<>();

  @Option(names = "--insecure", description = "Takes any TLS certificate.")
  private boolean insecure;

  @Option(
      names = "--goodput",
      paramLabel = "BOUNDS",
      description = "Counts requests within bounds, such as ttft=2000ms,itl=25ms,e2e=30s.")
  private @Nullable String goodput;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of arrivals and texts. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes the report as JSON; - for standard output, instead of the table.")
  private @Nullable String json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  private boolean help;

  @Option(names = "--allow-errors", description = "Exit code 0 even if requests failed.")
  private boolean allowErrors;

  private double shownAtSeconds; // touched only on the run's event loop

  @Override
  public Integer call() throws InterruptedException {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    try {
      checkJson();
      return carryOut(new LoadRun(vertx, config(), this::show));
    } catch (IllegalArgumentException e) {
      err().println(name() + ": " + e.getMessage());
      err().println("Try '" + name() + " --help'.");
      return USAGE;
    } catch (LoadException e) {
      err().println(name() + ": " + e.getMessage());
      return FAILED;
    } finally {
      err().flush();
      vertx.close().toCompletionStage().toCompletableFuture().join();
    }
  }

  private LoadConfig config() {
    LoadConfig.Pace pace =
        LoadConfig.Pace.of(
            optional(rate), optional(concurrency), optional(speed), optional(sessionRate));
    List<URI> addresses = targets.stream().map(LoadConfig.Target::address).toList();
    Endpoint asked =
        Endpoint.of(endpoint)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "endpoint: '" + endpoint + "' (expected: chat or completions)"));
    return new LoadConfig(
        new LoadConfig.Target(
            addresses,
            asked,
            Optional.ofNullable(model),
            Optional.ofNullable(apiKey),
            LoadConfig.Target.headers(headers),
            insecure),
        new LoadConfig.Workload(
            Optional.ofNullable(trace),
            Durations.parse("start", start),
            optional(blockTokens),
            inputTokens,
            outputTokens,
            optional(maxInput),
            optional(maxOutput),
            stream,
            exactOutput,
            usage),
        pace,
        new LoadConfig.Limits(
            Optional.ofNullable(duration).map(text -> Durations.parse("duration", text)),
            requests == null ? OptionalLong.empty() : OptionalLong.of(requests),
            maxInFlight,
            Durations.parse("timeout", timeout)),
        Optional.ofNullable(goodput).map(Goodput::parse),
        seed);
  }

  private int carryOut(LoadRun run) throws InterruptedException {
    CountDownLatch printed = new CountDownLatch(1);
    Thread interrupted = new Thread(() -> stopAndWait(run, printed), "load-interrupted");
    Runtime.getRuntime().addShutdownHook(interrupted);
    try {
      LoadReport report = run.run().toCompletionStage().toCompletableFuture().get();
      endProgress();
      boolean written = print(report);
      return written && (report.isClean() || allowErrors) ? 0 : FAILED;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LoadException known) {
        throw known;
      }
      throw new IllegalStateException(e.getCause());
    } finally {
      printed.countDown();
      forget(interrupted);
    }
  }

  /** In the shutdown hook: the report is printed by the main thread before the JVM ends. */
  private static void stopAndWait(LoadRun run, CountDownLatch printed) {
    run.stop();
    try {
      if (!printed.await(LoadRun.GRACE.toSeconds() + 3, TimeUnit.SECONDS)) {
        System.err.println("load: no report within " + (LoadRun.GRACE.toSeconds() + 3) + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the JVM is ending, and the hook has done its work
    }
  }

  private void show(LoadProgress progress) {
    PrintWriter err = err();
    if (isTerminal()) {
      err.print("\r\u001b[K" + progress.line());
      err.flush();
    } else if (progress.elapsedSeconds() - shownAtSeconds >= PLAIN_PROGRESS.toSeconds()) {
      shownAtSeconds = progress.elapsedSeconds();
      err.println(progress.line());
    }
  }

  private void endProgress() {
    if (isTerminal()) {
      err().print("\r\u001b[K");
      err().flush();
    }
  }

  private static boolean isTerminal() {
    return System.console() != null && !"dumb".equals(System.getenv("TERM"));
  }

  private void checkJson() {
    if (json != null && !json.equals("-")) {
      Path folder = Path.of(json).toAbsolutePath().getParent();
      if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(Path.of(json))) {
        throw new IllegalArgumentException(
            "json: " + json + " (expected: a file in a folder that exists, or -)");
      }
    }
  }

  /** Whether all that was asked for could be written. */
  private boolean print(LoadReport report) {
    PrintWriter out = spec.commandLine().getOut();
    if ("-".equals(json)) {
      out.println(report.toJson().encodePrettily());
    } else {
      out.print(report.toText());
    }
    out.flush();
    if (json != null && !json.equals("-")) {
      try {
        Files.writeString(
            Path.of(json), report.toJson().encodePrettily() + "\n", StandardCharsets.UTF_8);
      } catch (IOException e) {
        err().println("json: " + json + ": cannot be written: " + e.getMessage());
        return false;
      }
    }
    return true;
  }

  private String name() {
    return spec.qualifiedName();
  }

  private PrintWriter err() {
    return spec.commandLine().getErr();
  }

  private static OptionalInt optional(@Nullable Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  private static OptionalDouble optional(@Nullable Double value) {
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }
}
