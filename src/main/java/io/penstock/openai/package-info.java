/**
 * The wire dialect: what the OpenAI API looks like in bytes. Reads request bodies ({@link
 * io.penstock.openai.BodyScan}), the beginnings of their prompts ({@link
 * io.penstock.openai.PromptHash}) and headers, edits bodies without rebuilding them ({@link
 * io.penstock.openai.Splice}), cuts event streams into frames and classifies them ({@link
 * io.penstock.openai.SseScanner}), takes usage out again ({@link io.penstock.openai.UsageStrip}),
 * writes errors ({@link io.penstock.openai.ErrorBody}), joins bodies that ask for the same and
 * splits the answer ({@link io.penstock.openai.LaneBody}, {@link
 * io.penstock.openai.EmbeddingsSplit}), and joins two engines' answers to one: {@link
 * io.penstock.openai.PartialAnswer} is what a client has, {@link io.penstock.openai.ResumeRequest}
 * asks for the rest, {@link io.penstock.openai.Continuation} makes it fit.
 *
 * <p>Plain Java over byte arrays: no Vert.x, no clock, no tree, no state beyond one scanner per
 * stream. Everything stands on one cursor that walks once over JSON and checks it on the way.
 * Nothing here throws for what a client or an engine wrote: mistakes are values. What the gateway
 * does not use is not judged: engines differ, and each answers for its own fields.
 */
@NullMarked
package io.penstock.openai;

import org.jspecify.annotations.NullMarked;
