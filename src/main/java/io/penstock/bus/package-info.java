/**
 * How messages travel: addresses, the codec and its versioned wire form, who is in the cluster and
 * who owns a pool.
 */
@NullMarked
package io.penstock.bus;

import org.jspecify.annotations.NullMarked;
