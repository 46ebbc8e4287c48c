package io.penstock.cli;

import io.penstock.calibrate.Calibration;
import io.penstock.calibrate.CalibrationConfig;
import io.penstock.calibrate.EmbeddingsConfig;
import io.penstock.calibrate.EmbeddingsException;
import io.penstock.calibrate.LabelException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code penstock calibrate}: options in, report out; the rest is the room {@code calibrate}. */
@Command(
    name = "calibrate",
    sortOptions = false,
    usageHelpAutoWidth = true,
    header = "Trains the estimator of complexity that chooses tiers, on labelled requests.",
    description = {
      "",
      "Learns from requests of which it is known how well a cheaper and a better model do, which"
          + " prompts need the better one; says what routing by that yields on requests that were held"
          + " out; and writes a model file for fleet.tiers.estimator_file. The same files, options and"
          + " seed give the same report and the same file.",
      "",
      "It goes by what can be seen of a prompt, and with --embeddings by what a model makes of it"
          + " too. Each prompt is embedded once: a file beside the labels keeps the answers. The model"
          + " file then has weights with and without, and the router wants the same model in"
          + " fleet.tiers.estimator_embeddings.",
      ""
    },
    footer = {
      "",
      "Labels: JSON, one request a line, gzip where the name ends in .gz:",
      "  {\"subset\": \"algebra\", \"prompt\": \"...\", \"m\": {\"small\": {\"score\": 0}, \"large\":"
          + " {\"score\": 1, \"cost_usd\": 0.002}}}",
      "",
      "Figures: PGR is the part of the gap between the two models' scores that is recovered; APGR its"
          + " mean over all shares of requests to the better model; CPT(x) the least share with a PGR of"
          + " x. Random routing has an APGR of 0.5.",
      "",
      "Example:",
      "  penstock calibrate --data mmlu.jsonl.gz --data gsm8k.jsonl.gz --holdout subset \\",
      "      --price-weak 0.00024 --price-strong 0.0247 --out complexity.json",
      "",
      "  penstock calibrate --data labels.jsonl --embeddings http://127.0.0.1:8080 \\",
      "      --embeddings-model bge-small --out complexity.json --json figures.json",
      "",
      "Exit codes: 0 done; 1 embeddings could not be had, or a file not be written; 2 wrong usage or"
          + " labels."
    })
final class CalibrateCommand implements Callable<Integer> {
  private static final int TOLD_MAX = 20;

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "Labelled requests; repeatable.")
  private List<Path> data = new ArrayList<>();

  @Option(
      names = "--weak",
      paramLabel = "MODEL",
      description = "The cheaper model. Left out: the one of two that scores less.")
  private @Nullable String weak;

  @Option(names = "--strong", paramLabel = "MODEL", description = "The better model.")
  private @Nullable String strong;

  @Option(
      names = "--price-weak",
      paramLabel = "COST",
      defaultValue = "0",
      description = "Cost of 1,000 tokens of the cheaper model, where the labels have no cost_usd.")
  private double priceWeak;

  @Option(
      names = "--price-strong",
      paramLabel = "COST",
      defaultValue = "0",
      description = "The same of the better model.")
  private double priceStrong;

  /** What is held out. */
  enum Holdout {
    random,
    subset
  }

  @Option(
      names = "--holdout",
      defaultValue = "random",
      description = "What is held out: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Holdout holdout = Holdout.random;

  @Option(
      names = "--folds",
      paramLabel = "N",
      defaultValue = "5",
      description = "Parts that are held out in turn (default: ${DEFAULT-VALUE}).")
  private int folds;

  @Option(
      names = "--without",
      paramLabel = "SUBSET",
      description = "Leaves a subset out, for its labels are wrong; repeatable.")
  private Set<String> without = new LinkedHashSet<>();

  @Option(
      names = "--contaminated",
      description = "Counts requests, too, that are marked as seen by models in training.")
  private boolean contaminated;

  @Option(
      names = "--words",
      paramLabel = "BITS",
      defaultValue = "12",
      description = "Logarithm of the size of the table of words and pairs; 0: none (default: 12).")
  private int words;

  @Option(
      names = "--bootstrap",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Resamples for the intervals (default: ${DEFAULT-VALUE}).")
  private int bootstrap;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of all that is drawn.")
  private long seed;

  @Option(
      names = "--embeddings",
      paramLabel = "URL",
      description = "OpenAI-compatible server that embeds prompts, as a node of Penstock is one.")
  private @Nullable String embeddings;

  @Option(
      names = "--embeddings-model",
      paramLabel = "NAME",
      description = "The model that it is asked for.")
  private @Nullable String embeddingsModel;

  @Option(
      names = "--embeddings-key",
      paramLabel = "KEY",
      defaultValue = "${env:PENSTOCK_EMBEDDINGS_KEY}",
      description =
          "Sent to it as a bearer token. Default: what the environment variable"
              + " PENSTOCK_EMBEDDINGS_KEY says, which other users do not see.")
  private @Nullable String embeddingsKey;

  @Option(
      names = "--embeddings-batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "Most prompts of one call (default: ${DEFAULT-VALUE}).")
  private int embeddingsBatch;

  @Option(
      names = "--embeddings-concurrency",
      paramLabel = "N",
      defaultValue = "4",
      description = "Most calls at a time (default: ${DEFAULT-VALUE}).")
  private int embeddingsConcurrency;

  @Option(
      names = "--embeddings-chars",
      paramLabel = "N",
      defaultValue = "2000",
      description =
          "Of a longer prompt, its last characters are embedded; by the router, too (default:"
              + " ${DEFAULT-VALUE}).")
  private int embeddingsChars;

  @Option(
      names = "--embeddings-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "How long one call may take (default: ${DEFAULT-VALUE}).")
  private int embeddingsTimeout;

  @Option(
      names = "--embeddings-cache",
      paramLabel = "FILE",
      description = "Keeps what was answered. Left out: a file beside the first labels.")
  private @Nullable Path embeddingsCache;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes all figures and curves; - for standard output, instead of the tables.")
  private @Nullable String json;

  @Option(names = "--out", paramLabel = "FILE", description = "Writes the model there.")
  private @Nullable Path file;

  /** Parts of the embeddings that have been told, of {@link #TOLD_MAX}. */
  private int told = -1;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Calibration calibration = calibrate();
    boolean onlyJson = "-".equals(json);
    out.print(onlyJson ? calibration.json() : calibration.report());
    if (json != null && !onlyJson) {
      write(Path.of(json), to -> Files.writeString(to, calibration.json()));
    }
    if (file != null) {
      write(file, calibration::write);
      if (!onlyJson) {
        out.printf("%nmodel file  %s (fleet.tiers.estimator_file)%n", file);
      }
    }
    out.flush();
    return ExitCode.OK;
  }

  /** Writes a file. */
  private interface Writing {
    void to(Path file) throws IOException;
  }

  private static void write(Path file, Writing writing) {
    try {
      writing.to(file);
    } catch (IOException e) {
      throw CliException.failed(file + " can not be written: " + e.getMessage());
    }
  }

  private Calibration calibrate() {
    try {
      return Calibration.of(
          new CalibrationConfig(
              data,
              Optional.ofNullable(weak),
              Optional.ofNullable(strong),
              priceWeak,
              priceStrong,
              folds,
              holdout == Holdout.subset,
              without,
              contaminated,
              words,
              bootstrap,
              seed,
              embeddings()),
          this::tell);
    } catch (LabelException | IllegalArgumentException e) {
      throw CliException.usage(String.valueOf(e.getMessage()));
    } catch (EmbeddingsException e) {
      throw CliException.failed(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw CliException.failed("embeddings can not be kept: " + e.getMessage());
    }
  }

  private Optional<EmbeddingsConfig> embeddings() {
    if (embeddings == null && embeddingsModel == null) {
      return Optional.empty();
    }
    if (embeddings == null || embeddingsModel == null) {
      throw CliException.usage(
          (embeddings == null ? "--embeddings" : "--embeddings-model")
              + ": missing (expected: both or none)");
    }
    if (embeddingsTimeout < 1) {
      throw CliException.usage("--embeddings-timeout: " + embeddingsTimeout + " (expected: >= 1)");
    }
    return Optional.of(
        new EmbeddingsConfig(
            EmbeddingsConfig.endpoint(embeddings),
            embeddingsModel,
            Optional.ofNullable(embeddingsKey),
            embeddingsBatch,
            embeddingsConcurrency,
            embeddingsChars,
            Duration.ofSeconds(embeddingsTimeout),
            Optional.ofNullable(embeddingsCache)));
  }

  /** Twenty lines at most, so that a log of it can be read. */
  private void tell(int done, int of, int cached) {
    int part = of == 0 ? TOLD_MAX : (int) ((long) TOLD_MAX * done / of);
    if (part > told) {
      told = part;
      PrintWriter err = spec.commandLine().getErr();
      err.printf(
          Locale.ROOT, "embeddings  %,d of %,d asked for, %,d from the cache%n", done, of, cached);
      err.flush();
    }
  }
}
