package io.penstock.ingress;

import io.penstock.inference.TierName;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * A rejected draft is the answer, since the tier above failed.
 *
 * @param tier the draft's
 * @param failed the tier above
 * @param code why that did not answer: a code of the error table, or {@link #REFUSED}
 * @param quality that the draft was judged to have; empty where its judge failed
 * @param by the rule or the judge that rejected it
 */
record FailedEscalation(
    TierName tier,
    TierName failed,
    String code,
    OptionalDouble quality,
    String by,
    double threshold) {
  /** The engine of the tier above refused the request, by a 4xx of its own. */
  static final String REFUSED = "engine_refused";

  /** In the form of an item of RFC 8941 with parameters. */
  String text() {
    return failed.value()
        + "; code="
        + code
        + "; draft="
        + tier.value()
        + "; rejected_by="
        + by
        + (quality.isPresent() ? "; quality=" + number(quality.getAsDouble()) : "")
        + "; threshold="
        + number(threshold);
  }

  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.3f", value);
    return text.replaceAll("\\.?0+$", "");
  }
}
