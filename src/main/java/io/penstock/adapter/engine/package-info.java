/**
 * One class per inference engine: where its health and its load signals are found and what they
 * mean.
 */
@NullMarked
package io.penstock.adapter.engine;

import org.jspecify.annotations.NullMarked;
