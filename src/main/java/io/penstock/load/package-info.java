/**
 * The load driver: replays traces against any OpenAI-compatible address, open loop, and checks that
 * each stream is whole.
 */
@NullMarked
package io.penstock.load;

import org.jspecify.annotations.NullMarked;
