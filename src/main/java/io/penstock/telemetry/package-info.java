/**
 * The one table of metric names, the meters behind it, the access line, and the health and metrics
 * endpoints.
 */
@NullMarked
package io.penstock.telemetry;

import org.jspecify.annotations.NullMarked;
