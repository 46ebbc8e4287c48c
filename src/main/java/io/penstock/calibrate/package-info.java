/**
 * The calibration behind {@code penstock calibrate}: from labelled requests, how complex a prompt
 * must look before the better model is worth its price. Reads the labels ({@link
 * io.penstock.calibrate.LabelReader}), trains a logistic regression on the router's own features
 * ({@link io.penstock.calibrate.Trainer}; the solver is liblinear's), scores every prompt by a
 * model that has not seen it ({@link io.penstock.calibrate.Folds}), and says what routing by these
 * scores yields ({@link io.penstock.calibrate.GainCurve}) and costs ({@link
 * io.penstock.calibrate.CostTable}), with confidence intervals by bootstrap.
 *
 * <p>Decisions: what is learned is the chance that only the better model does the task, which is
 * what routing can win; figures are of held-out prompts only, by random folds or, harder and more
 * honest about new kinds of tasks, by folds of whole subsets; all randomness comes from one seed.
 * Embeddings are left out: they would have to be had at routing time too. Pure but for the reader
 * and the writer of files; blocks, so not for an event loop.
 */
@NullMarked
package io.penstock.calibrate;

import org.jspecify.annotations.NullMarked;
