package io.penstock.message;

/**
 * What a loop gets of one limit.
 *
 * @param granted to be added to what it holds
 * @param free what is left in the whole cluster after that
 * @param idle what other loops have at hand and no request has reserved, by their last word; 0
 *     where a node of an older release does not send it
 * @param retryMillis when what was refused may be there; 0 when nothing was
 * @param resetMillis when all of it is there again if nobody uses more
 */
public record LimitGrant(
    String subject,
    LimitKind kind,
    long granted,
    long free,
    long idle,
    long retryMillis,
    long resetMillis) {}
