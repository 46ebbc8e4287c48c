/**
 * The closed list of what can go wrong, each with its HTTP status, OpenAI error type and code, and
 * retry advice.
 */
@NullMarked
package io.penstock.fault;

import org.jspecify.annotations.NullMarked;
