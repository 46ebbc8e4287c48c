/**
 * How inference engines are asked for their health, their load and what they can do: the
 * implementation of {@link io.penstock.prober.EngineProbes}.
 *
 * <p>One class per engine says where its health and its load signals are found and what they mean;
 * these are pure. {@link io.penstock.adapter.engine.HttpEngineProbes} does the asking, over an HTTP
 * client of its own so that probes never wait behind requests: a few connections per engine, kept
 * alive for less time than engines do, a deadline over each question as a whole, answers bounded.
 *
 * <p><b>Decisions.</b> Any 2xx on a health path is healthy; what stands in the body is not looked
 * at. An engine without metrics (404, 405, 501) is healthy and gives no signals. The generic engine
 * is recognised by the metrics that it serves, so an unnamed vLLM still gives its signals. Metrics
 * text is scanned for the wanted names only. Whether an engine can go on with a message is read
 * from the schema of its chat request ({@code /openapi.json}); one that publishes none has not said
 * no.
 */
@NullMarked
package io.penstock.adapter.engine;

import org.jspecify.annotations.NullMarked;
