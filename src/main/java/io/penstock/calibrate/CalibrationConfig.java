package io.penstock.calibrate;

import static io.penstock.inference.Checks.require;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a calibration is asked.
 *
 * @param data files of labelled requests
 * @param weak the cheaper model; left out where each request has the same two, by their scores
 * @param strong the better model
 * @param weakPrice of 1,000 tokens, for requests that do not tell what they cost; 0 where unknown
 * @param strongPrice likewise
 * @param folds how many models are trained to score the samples that each has not seen
 * @param bySubset whether whole subsets are held out
 * @param without subsets that are left out altogether
 * @param contaminated whether requests count that models have been trained on
 * @param wordBits logarithm of the size of the table of words; 0 for none
 * @param resamples for the intervals
 * @param embeddings where those of the prompts come from; empty for surface features alone
 */
public record CalibrationConfig(
    List<Path> data,
    Optional<String> weak,
    Optional<String> strong,
    double weakPrice,
    double strongPrice,
    int folds,
    boolean bySubset,
    Set<String> without,
    boolean contaminated,
    int wordBits,
    int resamples,
    long seed,
    Optional<EmbeddingsConfig> embeddings) {
  /** Most of {@code wordBits}: 65,536 weights are a megabyte of file. */
  public static final int WORD_BITS_MAX = 16;

  public CalibrationConfig {
    data = List.copyOf(data);
    without = Set.copyOf(without);
    require(!data.isEmpty(), "--data", "none", "at least one file");
    require(folds >= 2 && folds <= 100, "--folds", folds, "2..100");
    require(wordBits >= 0 && wordBits <= WORD_BITS_MAX, "--words", wordBits, "0.." + WORD_BITS_MAX);
    require(resamples >= 0 && resamples <= 100_000, "--bootstrap", resamples, "0..100000");
    require(weakPrice >= 0, "--price-weak", weakPrice, ">= 0");
    require(strongPrice >= 0, "--price-strong", strongPrice, ">= 0");
    require(
        weak.isPresent() == strong.isPresent(),
        weak.isPresent() ? "--strong" : "--weak",
        "missing",
        "both models or none");
  }
}
