/**
 * Which tier of models serves a request whose client leaves the choice to the router, and whether
 * the answer of a lower tier is good enough. Pure: no clock, no random number, no socket.
 *
 * <p>{@link io.penstock.tiers.Complexity} estimates how complex a prompt's task is, by its length
 * or by a model that {@code penstock calibrate} has trained on {@link
 * io.penstock.tiers.PromptFeatures} and perhaps embeddings, which the caller has to bring; {@link
 * io.penstock.tiers.TierSelection} chooses; {@link io.penstock.tiers.RuleJudge} judges by what can
 * be seen without asking anybody; {@link io.penstock.tiers.JudgeAnswer} reads what judges say.
 * Judges that have to be asked stand behind the port {@link io.penstock.tiers.QualityHook}.
 *
 * <p>Decisions: names, filters and thresholds are the guide's. Complexity is a rank, 0..1 among the
 * prompts of the calibration, so that the guide's thresholds 0.3 and 0.7 split real traffic. A
 * judge's answer that is not exactly what it was asked for is no answer.
 */
@NullMarked
package io.penstock.tiers;

import org.jspecify.annotations.NullMarked;
