/**
 * The life of one request, apart from sockets: {@code RequestLife}, its states, deadlines and the
 * one end that it has; {@code StreamRelay}, what of an engine's event stream the client sees, and
 * when; {@code FailureClass}, what a failed attempt means; {@code Retries}, whether another
 * follows; {@code StreamResume}, whether and how a stream that broke goes on elsewhere.
 *
 * <p>Plain Java that is handed the time and the bytes; used by {@code ingress} alone.
 *
 * <p>Decisions: nothing passes before the first frame with content, so that until then every
 * failure can be answered with a proper status. Whoever is answered {@code true} by {@code finish},
 * {@code cancel} or {@code fail} settles the request, so that it is settled once. What was relayed
 * is kept, of each frame what it does not share with the one before, up to 1 MiB, or 4 MiB as it
 * was sent ({@code RelayLog}), and read only when a stream breaks; beyond that the stream is
 * relayed on and can not be resumed.
 */
@NullMarked
package io.penstock.stream;

import org.jspecify.annotations.NullMarked;
