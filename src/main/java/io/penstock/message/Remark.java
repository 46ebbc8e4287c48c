package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;

/**
 * What became of a request for which a pool's owner has chosen a replica, for the receipt of that
 * choice. Sent by the holder of the grant after it was released, at most once; where it is lost, or
 * the owner keeps no receipt of it, the receipt lacks it and nothing else.
 *
 * @param request the id as its client knows it
 */
public record Remark(RequestId request, PoolName pool, String text) implements Message {}
