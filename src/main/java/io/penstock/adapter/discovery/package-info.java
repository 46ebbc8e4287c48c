/** Where replica lists come from: DNS names and watched files. */
@NullMarked
package io.penstock.adapter.discovery;

import org.jspecify.annotations.NullMarked;
