package io.penstock.ingress;

import io.penstock.inference.Appraisal;
import io.penstock.inference.ComplexityEstimator.Embedder;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** How complex one request's task is: known at once, or once its embedding has come, or has not. */
final class Appraising {
  /** Who has prompts embedded. */
  interface Port {
    /**
     * Asks; one of the two is told, once, perhaps at once, or never after a cancel.
     *
     * @param failed told why, by one of a closed list
     * @return cancels the question
     */
    Runnable embed(Embedder by, String text, Consumer<float[]> embedded, Consumer<String> failed);
  }

  private final Appraisals by;
  private Runnable cancel = () -> {};
  private boolean over;

  Appraising(Appraisals by) {
    this.by = by;
  }

  /**
   * Finds it out.
   *
   * @param on runs an event of the request, unless that is over
   * @param then told once, within the embedder's timeout, perhaps at once; with the time in
   *     milliseconds
   */
  void begin(
      Port port,
      TierHeaders headers,
      String prompt,
      long nowMillis,
      Consumer<LongConsumer> on,
      BiConsumer<Long, Appraisal> then) {
    Optional<Appraisal> known = by.atOnce(headers, prompt, nowMillis);
    if (known.isPresent()) {
      over = true;
      then.accept(nowMillis, known.get());
      return;
    }
    cancel =
        port.embed(
            by.embedder(),
            by.textOf(prompt),
            vector -> on.accept(now -> came(now, by.embedded(prompt, vector, now), then)),
            why -> on.accept(now -> came(now, by.notEmbedded(prompt, why, now), then)));
  }

  private void came(long nowMillis, Appraisal found, BiConsumer<Long, Appraisal> then) {
    over = true;
    then.accept(nowMillis, found);
  }

  /** The request is over. */
  void cancel() {
    if (!over) {
      over = true;
      cancel.run();
      by.dropped();
    }
  }
}
