/**
 * The JSON Schema of a node's file and its loader: every mistake at once, with path, found and
 * expected.
 */
@NullMarked
package io.penstock.config;

import org.jspecify.annotations.NullMarked;
