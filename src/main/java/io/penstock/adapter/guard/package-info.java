/**
 * A circuit breaker around calls to systems that are not ours and not on a request's way: those
 * that are slow or down shall not be asked all the time, by everybody, and not be waited for.
 *
 * <p>Owns nothing but {@link io.penstock.adapter.guard.Guard}, which is the Vert.x circuit breaker
 * with a log line for each opening and closing, and its meters. Name servers ({@code
 * adapter.discovery}), Redis ({@code adapter.redis}), judges behind HTTP ({@code adapter.judge})
 * and issuers' keys ({@code adapter.jwks}) are guarded by it; Kafka and the Kubernetes API are to
 * be when the node talks to them. Engines are not: whether a replica gets requests is decided by an
 * error rate, with trials and a slow start, in the batcher's own {@code Breaker}.
 *
 * <p><b>Decisions.</b> One guard for one system at one address, shared by all that ask it: a server
 * that is down is down for everybody. Where event loops ask it each for themselves, each has a
 * guard and {@link io.penstock.adapter.guard.GuardMeters} shows the worst. What opens it is a
 * number of failures in a row, and not a rate: the breaker of Vert.x forgets its failures at each
 * success, so "so many in a minute" would be a promise that it does not keep. Only failures of the
 * system itself count, and an answer that says no is an answer. A call that is cancelled is
 * neither.
 */
@NullMarked
package io.penstock.adapter.guard;

import org.jspecify.annotations.NullMarked;
