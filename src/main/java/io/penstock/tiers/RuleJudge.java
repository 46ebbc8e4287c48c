package io.penstock.tiers;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What is wrong with an answer by what can be seen of it: it is cut off, empty, a refusal, not the
 * JSON that was asked for, or its model was unsure of it. Pure.
 */
public final class RuleJudge {
  /** A refusal stands at the beginning; later the same words are about something. */
  private static final int REFUSAL_CHARS = 160;

  /**
   * The openings of refusals and of admissions of not knowing, in English; a longer answer goes on
   * to say something, so only short ones count.
   */
  private static final Pattern REFUSAL =
      Pattern.compile(
          "^(i'?m sorry|sorry|i apologi[sz]e|unfortunately)?[,. ]*(but )?"
              + "(as an ai( language)?( model| assistant)?[, ]*)?"
              + "(i (can ?not|can'?t|am (not able|unable) to|'?m (not able|unable) to|won'?t be able to"
              + "|do not know|don'?t know|have no (idea|information)|cannot)\\b)");

  private static final int SHORT_CHARS = 400;

  private static final Set<String> CUT = Set.of("length", "content_filter");

  private RuleJudge() {}

  /**
   * Why an answer is not good enough; empty where nothing is seen to be wrong.
   *
   * @param minMeanLogprob the least mean log probability; 0 where it does not count
   * @param isJson whether a text is JSON
   */
  public static Optional<String> fault(
      Draft draft, double minMeanLogprob, Predicate<String> isJson) {
    if (CUT.contains(draft.finishReason())) {
      return Optional.of("truncated");
    }
    if (draft.callsTools()) {
      return Optional.empty();
    }
    if (draft.text().isBlank()) {
      return Optional.of("empty");
    }
    if (isRefusal(draft.text())) {
      return Optional.of("refusal");
    }
    if (draft.asksForJson() && !isJson.test(draft.text())) {
      return Optional.of("invalid_json");
    }
    boolean unsure =
        minMeanLogprob < 0
            && draft.meanLogprob().isPresent()
            && draft.meanLogprob().getAsDouble() < minMeanLogprob;
    return unsure ? Optional.of("low_logprob") : Optional.empty();
  }

  /**
   * Whether a client may be given a draft that was rejected, where there is nothing better: it says
   * something, is whole, and is JSON where that was asked for. An answer that is as long as the
   * client let it be is whole in that sense, half a tool call is not.
   *
   * @param isLimited whether the client itself has bounded the answer's length
   * @param isJson whether a text is JSON
   */
  public static boolean isServable(Draft draft, boolean isLimited, Predicate<String> isJson) {
    boolean isCut = CUT.contains(draft.finishReason());
    if (draft.callsTools()) {
      return !isCut;
    }
    boolean asLongAsMay = isLimited && draft.finishReason().equals("length");
    return (!isCut || asLongAsMay)
        && !draft.text().isBlank()
        && !(draft.asksForJson() && !isJson.test(draft.text()));
  }

  static boolean isRefusal(String text) {
    String trimmed = text.strip();
    if (trimmed.length() > SHORT_CHARS) {
      return false;
    }
    String head = trimmed.substring(0, Math.min(REFUSAL_CHARS, trimmed.length()));
    return REFUSAL.matcher(head.replace('\u2019', '\'').toLowerCase(Locale.ROOT)).find();
  }
}
