package io.penstock.ingress;

import io.penstock.inference.Appraisal;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.ComplexityEstimator.Embedder;
import io.penstock.measure.Hash64;
import io.penstock.tiers.Complexity;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How complex prompts are, by one estimator: what can be said at once, what has to be embedded
 * first, and what stands for an embedding that does not come. Pure; touched on one loop.
 */
final class Appraisals {
  /** Why an embedding is not there; part of a closed list, with those of {@link EmbedCall}. */
  private static final String RESTING = "resting";

  private static final String TIER_NAMED = "tier_named";
  private static final String NOT_CONFIGURED = "not_configured";
  private static final String NO_TEXT = "no_text";
  private static final String WRONG_DIMENSION = "wrong_dimension";
  private static final String MALFORMED = "malformed";

  private final Complexity complexity;
  private final Optional<Embedder> embedder;
  private final Estimates estimates;
  private final Rest rest = new Rest();

  Appraisals(Optional<ComplexityEstimator> of) {
    complexity = Complexity.of(of.map(ComplexityEstimator::model));
    embedder = of.flatMap(ComplexityEstimator::embedder);
    estimates = new Estimates(embedder.map(Embedder::cacheBytes).orElse(0));
  }

  /**
   * What needs nobody else. Where it is empty, the prompt is to be embedded, and {@link #embedded},
   * {@link #notEmbedded} or {@link #dropped} told, once.
   */
  Optional<Appraisal> atOnce(TierHeaders headers, String prompt, long nowMillis) {
    if (headers.complexity().isPresent()) {
      return Optional.of(Appraisal.by(Appraisal.HEADER, headers.complexity().get()));
    }
    if (!complexity.isLearned()) {
      return Optional.of(Appraisal.by(Appraisal.LENGTH, complexity.of(prompt)));
    }
    if (complexity.dimension() == 0) {
      return Optional.of(Appraisal.by(Appraisal.SURFACE, complexity.of(prompt)));
    }
    if (headers.tier().isPresent()) {
      return Optional.of(bySurface(prompt, TIER_NAMED));
    }
    if (embedder.isEmpty()) {
      return Optional.of(bySurface(prompt, NOT_CONFIGURED));
    }
    if (complexity.embeddedText(prompt).isBlank()) {
      return Optional.of(bySurface(prompt, NO_TEXT));
    }
    OptionalDouble before = estimates.of(Hash64.of(prompt));
    if (before.isPresent()) {
      return Optional.of(Appraisal.by(Appraisal.CACHE, before.getAsDouble()));
    }
    return rest.mayAsk(nowMillis) ? Optional.empty() : Optional.of(bySurface(prompt, RESTING));
  }

  /** Whoever is to be asked, where somebody is. */
  Embedder embedder() {
    return embedder.orElseThrow();
  }

  /** What of a prompt is to be embedded. */
  String textOf(String prompt) {
    return complexity.embeddedText(prompt);
  }

  /** Its embedding has come. */
  Appraisal embedded(String prompt, float[] embedding, long nowMillis) {
    double length = Complexity.length(embedding);
    if (embedding.length != complexity.dimension()) {
      return notEmbedded(prompt, WRONG_DIMENSION, nowMillis);
    }
    if (!(length > 0 && length < Double.POSITIVE_INFINITY)) {
      return notEmbedded(prompt, MALFORMED, nowMillis);
    }
    rest.succeeded();
    double found = complexity.of(prompt, embedding);
    estimates.put(Hash64.of(prompt), found);
    return Appraisal.by(Appraisal.EMBEDDING, found);
  }

  /**
   * It has not, or not as it has to be.
   *
   * @param why one of a closed list
   */
  Appraisal notEmbedded(String prompt, String why, long nowMillis) {
    if (why.equals(EmbedCall.NO_SLOT)) {
      rest.dropped(); // one tenant's full queue is told at once, and says nothing of the model
    } else {
      rest.failed(nowMillis);
    }
    return bySurface(prompt, why);
  }

  /** Nobody waits for it any more. */
  void dropped() {
    rest.dropped();
  }

  private Appraisal bySurface(String prompt, String why) {
    return new Appraisal(complexity.of(prompt), Appraisal.SURFACE, why);
  }
}
