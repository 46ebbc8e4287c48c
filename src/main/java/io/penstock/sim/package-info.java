/**
 * The simulated engine: an OpenAI-compatible server over a deterministic continuous-batching core
 * that takes the time as an argument.
 */
@NullMarked
package io.penstock.sim;

import org.jspecify.annotations.NullMarked;
