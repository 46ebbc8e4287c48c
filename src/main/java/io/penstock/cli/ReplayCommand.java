package io.penstock.cli;

import io.penstock.load.Durations;
import io.penstock.load.Goodput;
import io.penstock.replay.Replay;
import io.penstock.replay.ReplayConfig;
import io.penstock.replay.ReplayReport;
import io.penstock.telemetry.Logging;
import io.penstock.time.Clock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code penstock replay}: options in, report out; everything else is the room {@code replay}. */
@Command(
    name = "replay",
    sortOptions = false,
    usageHelpAutoWidth = true,
    header = "Replays a trace against a fleet in virtual time, under several routing strategies.",
    description = {
      "",
      "The queue, the ledger and the strategies are those of a node; engines are simulated by what"
          + " the fleet file says of them. Nothing listens and nothing sleeps: an hour of a fleet takes"
          + " seconds. The same trace, fleet, load and seed give the same report, byte for byte.",
      "",
      "Traces whose times count from each session's start are closed loops: sessions start by a"
          + " Poisson process, and each request follows the answer before it after the think time of the"
          + " trace. All others are open loops in the trace's own rhythm.",
      ""
    },
    footer = {
      "",
      "Policies: Penstock's strategies (round_robin, least_loaded, random, hash_based,"
          + " capability_based, power_of_two, prefix_cache, predicted_latency), and to compare with:",
      "  cache_aware       the policy of that name of the SGLang router, thresholds 0.5, 32 and 1.1",
      "  weighted_scores   the Gateway API Inference Extension: queue 2, KV cache 2, prefix 3",
      "  omniscient        knows the caches' contents and how long everything will take",
      "",
      "Figures: good is the share of the requests within the bounds; ITL is the time between two"
          + " tokens; hits is the share of prompt tokens that were cached, also of what a cache without"
          + " bounds would have had; imbalance is the most over the mean of the requests that replicas had"
          + " at a time.",
      "",
      "Traces: as for penstock load. Fleets: conf/replay has examples.",
      "",
      "Examples:",
      "  penstock replay --trace mooncake_conversation.jsonl.gz --fleet conf/replay/h100x8.json \\",
      "      --saturate least_loaded --html report.html",
      "  penstock replay --trace agentic_claude_code.jsonl.gz --fleet conf/replay/h100-nodes.json \\",
      "      --rate 0.05 --duration 1h --policy prefix_cache --policy predicted_latency",
      "",
      "Exit codes: 0 done; 1 the report could not be written; 2 wrong usage, trace or fleet."
    })
final class ReplayCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(names = "--trace", required = true, paramLabel = "FILE", description = "What arrives.")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private Path trace;

  @Option(
      names = "--fleet",
      required = true,
      paramLabel = "FILE",
      description = "Replicas, their GPUs, and what happens to them.")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private Path fleet;

  @Option(
      names = "--policy",
      paramLabel = "NAME",
      completionCandidates = Names.class,
      description = "Repeatable. Default: all.")
  private List<String> policies = new ArrayList<>();

  @Option(
      names = "--rate",
      paramLabel = "R",
      description =
          "Requests a second, in the trace's rhythm; or sessions that start a second. Default: the"
              + " trace's own.")
  private @Nullable Double rate;

  @Option(
      names = "--saturate",
      paramLabel = "NAME",
      completionCandidates = Names.class,
      description = "Finds the highest rate at which enough requests are good under this policy.")
  private @Nullable String saturate;

  @Option(
      names = "--saturate-at",
      paramLabel = "SHARE",
      description = "How many are enough. Default: 0.9.")
  private @Nullable Double saturateAt;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "No more arrivals; a shorter trace begins again with other prompts.")
  private @Nullable Integer requests;

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      description = "No arrivals after it; a shorter trace begins again with other prompts.")
  private @Nullable String duration;

  @Option(
      names = "--warmup",
      paramLabel = "TIME",
      defaultValue = "0s",
      description = "What arrives before it is not in the figures. Default: ${DEFAULT-VALUE}.")
  private String warmup = "";

  @Option(
      names = "--goodput",
      paramLabel = "BOUNDS",
      defaultValue = "ttft=2000ms,itl=25ms",
      description = "What is good; ITL as the mean of an answer. Default: ${DEFAULT-VALUE}.")
  private String goodput = "";

  @Option(
      names = "--block-tokens",
      paramLabel = "N",
      description = "Tokens of a prefix block of the trace. Default: what fits the trace.")
  private @Nullable Integer blockTokens;

  @Option(
      names = "--kv-block-tokens",
      paramLabel = "N",
      description =
          "Tokens of a block of the engines' caches; larger is faster and coarser. Default: the"
              + " trace's blocks.")
  private @Nullable Integer kvBlockTokens;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of arrivals, and of strategies that draw. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes all figures and series; - for standard output, instead of the table.")
  private @Nullable String json;

  @Option(names = "--html", paramLabel = "FILE", description = "Writes a page with plots.")
  private @Nullable Path html;

  private final Clock clock = Clock.system();
  private long requestsReplayed;
  private long nanosReplayed;
  private long beganNanos;

  static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ReplayConfig.policyNames().iterator();
    }
  }

  @Override
  public Integer call() {
    Replay replay;
    ReplayReport report;
    try {
      checkFolder("json", "-".equals(json) || json == null ? null : Path.of(json));
      checkFolder("html", html);
      Logging.quieten("io.penstock.batcher");
      replay = Replay.of(config());
      report = replay.run(new Watch());
    } catch (IllegalArgumentException e) {
      throw CliException.usage(String.valueOf(e.getMessage()));
    }
    endProgress();
    PrintWriter out = spec.commandLine().getOut();
    out.print("-".equals(json) ? report.toJson() : report.toText());
    out.flush();
    write("json", "-".equals(json) || json == null ? null : Path.of(json), report.toJson());
    write("html", html, html == null ? "" : report.toHtml());
    err()
        .printf(
            Locale.ROOT,
            "%,d requests in %.1f s, %,.0f a minute%n",
            requestsReplayed,
            nanosReplayed / 1e9,
            requestsReplayed * 60e9 / Math.max(1, nanosReplayed));
    err().flush();
    return ExitCode.OK;
  }

  private ReplayConfig config() {
    return new ReplayConfig(
        trace,
        fleet,
        policies,
        ReplayConfig.Load.of(
            Optional.ofNullable(rate),
            Optional.ofNullable(saturate),
            Optional.ofNullable(saturateAt)),
        optional(blockTokens),
        optional(kvBlockTokens),
        optional(requests),
        Optional.ofNullable(duration).map(text -> Durations.parse("duration", text)),
        Durations.parse("warmup", warmup),
        Goodput.parse(goodput),
        seed);
  }

  private static OptionalInt optional(@Nullable Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  private static void checkFolder(String option, @Nullable Path file) {
    if (file != null) {
      Path folder = file.toAbsolutePath().getParent();
      if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(file)) {
        throw new IllegalArgumentException(
            option + ": " + file + " (expected: a file in a folder that exists)");
      }
    }
  }

  private static void write(String option, @Nullable Path file, String text) {
    if (file != null) {
      try {
        Files.writeString(file, text, StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw CliException.failed(option + ": " + file + ": cannot be written: " + e.getMessage());
      }
    }
  }

  private PrintWriter err() {
    return spec.commandLine().getErr();
  }

  private static boolean isTerminal() {
    return System.console() != null && !"dumb".equals(System.getenv("TERM"));
  }

  private void endProgress() {
    if (isTerminal()) {
      err().print("\r\u001b[K");
      err().flush();
    }
  }

  /** Shows at a terminal what is being replayed, and measures how fast. */
  private final class Watch implements Replay.Progress {
    @Override
    public void begins(String policy, double at) {
      if (isTerminal()) {
        err().printf(Locale.ROOT, "\r\u001b[K%s at %.4g a second", policy, at);
        err().flush();
      }
      beganNanos = clock.nanos();
    }

    @Override
    public void ended(String policy, int sent) {
      nanosReplayed += clock.nanos() - beganNanos;
      requestsReplayed += sent;
    }
  }
}
