/**
 * Judges of answers behind HTTP: posts a question as JSON and reads the quality from the answer.
 * Each address has its guard: after three failures in a row it is left alone for some seconds, and
 * the policy's word stands for it.
 */
@NullMarked
package io.penstock.adapter.judge;

import org.jspecify.annotations.NullMarked;
