package io.penstock.ingress;

import io.penstock.inference.Appraisal;
import io.penstock.inference.Tenant;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** How complex one request's task is: known at once, or once its embedding has come, or has not. */
final class Appraising {
  private final Appraisals by;
  private @Nullable EmbedCall call;

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
      LoopParts loop,
      Tenant tenant,
      Ask ask,
      String prompt,
      long nowMillis,
      Consumer<LongConsumer> on,
      BiConsumer<Long, Appraisal> then) {
    Optional<Appraisal> known = by.atOnce(ask.tiers(), prompt, nowMillis);
    if (known.isPresent()) {
      then.accept(nowMillis, known.get());
      return;
    }
    EmbedCall made =
        new EmbedCall(
            loop,
            by.embedder(),
            tenant,
            ask,
            by.textOf(prompt),
            vector -> on.accept(now -> came(now, by.embedded(prompt, vector, now), then)),
            why -> on.accept(now -> came(now, by.notEmbedded(prompt, why, now), then)));
    call = made;
    made.begin();
  }

  private void came(long nowMillis, Appraisal found, BiConsumer<Long, Appraisal> then) {
    call = null;
    then.accept(nowMillis, found);
  }

  /** The request is over. */
  void cancel() {
    if (call != null) {
      call.cancel();
      by.dropped();
      call = null;
    }
  }
}
