package io.penstock.tiers;

import java.util.OptionalDouble;

/**
 * The answer of a lower tier that is to be judged.
 *
 * @param prompt what was asked; its last characters where it is long
 * @param asksForJson whether the request asked for JSON as the answer
 * @param text of the first choice
 * @param finishReason of the first choice; empty where none was told
 * @param callsTools whether it has tool calls, which have no text to judge
 * @param meanLogprob of the tokens, where the answer has log probabilities
 */
public record Draft(
    String prompt,
    boolean asksForJson,
    String text,
    String finishReason,
    boolean callsTools,
    OptionalDouble meanLogprob) {}
