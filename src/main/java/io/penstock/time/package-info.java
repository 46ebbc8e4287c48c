/**
 * Clocks as ports. Shells read a clock once per event and hand the value to their core; nothing
 * else does.
 */
@NullMarked
package io.penstock.time;

import org.jspecify.annotations.NullMarked;
