package io.penstock.message;

import java.util.List;

/**
 * How one limit stands at one ingress loop, and what it wants.
 *
 * @param subject what is limited: the tenant, one of his keys, or one of his models
 * @param limit by the sender's configuration
 * @param used by the loop since it began, finally; never less than it said before
 * @param holding what was granted to the loop and is not used finally: reserved by requests that
 *     run, or at hand for the next ones
 * @param atHand of what it holds, what no request has reserved; 0 where a node of an older release
 *     does not send it
 * @param need for requests that wait
 * @param extra that it would like to have at hand besides
 * @param minute what was used in each of the last seconds, the present one first; empty for a
 *     keeper that has heard it second by second
 */
public record LimitLine(
    String subject,
    LimitKind kind,
    long limit,
    long used,
    long holding,
    long atHand,
    long need,
    long extra,
    List<Long> minute) {
  public LimitLine {
    minute = List.copyOf(minute);
  }
}
