/**
 * The life of one request as a state machine: what may happen next, what must be settled, and
 * exactly once.
 */
@NullMarked
package io.penstock.stream;

import org.jspecify.annotations.NullMarked;
