/**
 * The wire dialect: one-pass body scan, splicing, SSE frames by bytes, the error body. Plain Java
 * over byte arrays.
 */
@NullMarked
package io.penstock.openai;

import org.jspecify.annotations.NullMarked;
