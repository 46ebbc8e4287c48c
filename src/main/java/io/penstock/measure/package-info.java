/**
 * Small measuring instruments as plain objects: moving averages, windows, quantiles, hashing. The
 * caller brings the time.
 */
@NullMarked
package io.penstock.measure;

import org.jspecify.annotations.NullMarked;
