/**
 * The calibration behind {@code penstock calibrate}: from labelled requests, how complex a prompt
 * must look before the better model is worth its price. Reads the labels ({@link
 * io.penstock.calibrate.LabelReader}), has a server embed the prompts where that is asked for
 * ({@link io.penstock.calibrate.Embeddings}), trains a logistic regression on the router's own
 * features ({@link io.penstock.calibrate.Trainer}; the solver is liblinear's), scores every prompt
 * by a model that has not seen it ({@link io.penstock.calibrate.Folds}), and says what routing by
 * these scores yields ({@link io.penstock.calibrate.GainCurve}) and costs ({@link
 * io.penstock.calibrate.CostTable}), with confidence intervals ({@link
 * io.penstock.calibrate.Bootstrap}); {@link io.penstock.calibrate.CalibrationFigures} has all of
 * it, for a terminal and as JSON.
 *
 * <p>Decisions: what is learned is the chance that only the better model does the task, which is
 * what routing can win; figures are of held-out prompts only, by random folds or, harder and more
 * honest about new kinds of tasks, by folds of whole subsets; all randomness comes from one seed.
 * With embeddings a second regression is trained beside the one without, since a router has to
 * choose while nobody embeds, too; ONNX inside the process was rejected for its size. Pure but for
 * files and the server that embeds; blocks, so not for an event loop.
 */
@NullMarked
package io.penstock.calibrate;

import org.jspecify.annotations.NullMarked;
