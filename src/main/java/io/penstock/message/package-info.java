/**
 * What rooms say to each other: immutable records only, all of them {@link
 * io.penstock.message.Message}s. Local delivery shares the object; the wire form belongs to {@code
 * bus}.
 */
@NullMarked
package io.penstock.message;

import org.jspecify.annotations.NullMarked;
