/** Stand-ins for what surrounds a room: a bus and a directory in memory. */
@NullMarked
package io.penstock.fake;

import org.jspecify.annotations.NullMarked;
