package io.penstock.cli;

import io.penstock.calibrate.Calibration;
import io.penstock.calibrate.CalibrationConfig;
import io.penstock.calibrate.LabelException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
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
      "Exit codes: 0 done; 1 the model could not be written; 2 wrong usage or labels."
    })
final class CalibrateCommand implements Callable<Integer> {
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

  @Option(names = "--out", paramLabel = "FILE", description = "Writes the model there.")
  private @Nullable Path file;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Calibration calibration = calibrate();
    out.print(calibration.report());
    if (file != null) {
      try {
        calibration.write(file);
      } catch (IOException e) {
        throw CliException.failed(file + " can not be written: " + e.getMessage());
      }
      out.printf("%nmodel file  %s (fleet.tiers.estimator_file)%n", file);
    }
    out.flush();
    return ExitCode.OK;
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
              seed));
    } catch (LabelException | IllegalArgumentException e) {
      throw CliException.usage(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw CliException.usage("labels can not be read: " + e.getMessage());
    }
  }
}
